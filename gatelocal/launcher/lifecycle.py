"""The states of a node and which may follow which; it looks at no machine and no clock."""

from __future__ import annotations

from enum import Enum


class NodeState(Enum):
    """Where a node stands between being asked for and being gone.

    A node that was `HELD` stays after the command that launched it has ended, until a person returns it.
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
    """Whether nobody will return this node any more, so that a sweep must: its owner is gone and it is not held."""
    return not owner_alive and state is not NodeState.HELD
