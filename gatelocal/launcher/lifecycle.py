"""The states of a node and which may follow which, and which held ones must go; it looks at no machine and no clock."""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import Enum


class NodeState(Enum):
    """Where a node stands between being asked for and being gone.

    A node that was `HELD` stays after the command that launched it has ended, until a person returns it or
    its time is over.
    """

    REQUESTED = "requested"
    BOOTING = "booting"
    READY = "ready"
    HELD = "held"
    RETURNED = "returned"
    FAILED = "failed"


_NEXT = {
    NodeState.REQUESTED: frozenset({NodeState.BOOTING, NodeState.FAILED, NodeState.RETURNED}),
    NodeState.BOOTING: frozenset({NodeState.READY, NodeState.FAILED, NodeState.RETURNED}),
    NodeState.READY: frozenset({NodeState.HELD, NodeState.FAILED, NodeState.RETURNED}),
    NodeState.HELD: frozenset({NodeState.FAILED, NodeState.RETURNED}),
    NodeState.FAILED: frozenset({NodeState.RETURNED}),
    NodeState.RETURNED: frozenset[NodeState](),
}


def may_follow(before: NodeState, after: NodeState) -> bool:
    """Whether a node in the state `before` may go to `after`; staying is allowed."""
    return before is after or after in _NEXT[before]


def is_abandoned(state: NodeState, owner_alive: bool) -> bool:
    """Whether nobody will return this node any more, so that a sweep must: its owner is gone and it is not held.

    One that was returned and is there even so could not be taken away at that time.
    """
    return state is NodeState.RETURNED or (not owner_alive and state is not NodeState.HELD)


def is_expired(state: NodeState, until: float, now: float) -> bool:
    """Whether a held node's time is over. :param until: seconds since the epoch; 0: it has no end."""
    return state is NodeState.HELD and 0 < until <= now


def beyond(held: Iterable[tuple[float, int, str]], space: int, spared: Container[str] = ()) -> tuple[str, ...]:
    """Which held nodes have to go, the oldest first, for the others to have room. The latest is never one of them.

    :param held: since when, how many bytes, and the name of each.
    :param space: bytes for all of them together. :param spared: those that must stay.
    """
    known = sorted(held)
    total, gone = sum(used for _, used, _ in known), []
    for _, used, name in known[:-1]:
        if total > space and name not in spared:
            gone.append(name)
            total -= used
    return tuple(gone)
