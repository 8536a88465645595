"""In which order changes are merged: what is needed comes first; it only orders and refuses nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from gatelocal.depends.cycles import components

K = TypeVar("K", bound=Hashable)


def order(
    needs: Mapping[K, Sequence[K]], target: K, first: Mapping[K, Sequence[K]] | None = None
) -> tuple[tuple[K, ...], ...]:
    """The target and all that it needs, as groups: each group after every group that it needs, the target's last.

    :param needs: node → what it needs directly; a node without an entry needs nothing.
    :param first: node → what comes before it even in a cycle (git parents); it has no cycle of its own.
    :return: groups of one node; a group of more is a cycle, its members in the order of `needs`' keys as far as
        `first` allows.

    The order is stable: nodes that do not need each other stand in the order in which they are needed.
    """
    places = {node: place for place, node in enumerate(needs)}
    groups = components(needs, target)
    inside = (sorted(group, key=lambda node: places.get(node, -1)) for group in groups)
    return tuple(_sorted(group, first or {}) for group in inside)


def _sorted(group: Sequence[K], first: Mapping[K, Sequence[K]]) -> tuple[K, ...]:
    """The group with every member after those of its `first` that are members, too."""
    if len(group) == 1:
        return tuple(group)
    members, done = frozenset(group), dict[K, None]()
    waiting = list(reversed(group))
    opened: set[K] = set()
    while waiting:
        node = waiting.pop()
        above = [one for one in first.get(node, ()) if one in members and one not in done and one not in opened]
        if node in done:
            continue
        if above:
            opened.add(node)
            waiting += [node, *reversed(above)]
        else:
            done[node] = None
    return tuple(done)
