"""In which order changes are merged: what is needed comes first; it only orders and refuses nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from gatelocal.depends.cycles import components

K = TypeVar("K", bound=Hashable)


def order(needs: Mapping[K, Sequence[K]], target: K) -> tuple[tuple[K, ...], ...]:
    """The target and all that it needs, as groups: each group after every group that it needs, the target's last.

    :param needs: node → what it needs directly; a node without an entry needs nothing.
    :return: groups of one node; a group of more is a cycle, its members in the order of `needs`' keys.

    The order is stable: nodes that do not need each other stand in the order in which they are needed.
    """
    places = {node: place for place, node in enumerate(needs)}
    groups = components(needs, target)
    return tuple(tuple(sorted(group, key=lambda node: places.get(node, -1))) for group in groups)
