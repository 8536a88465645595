"""Which nodes of a dependency graph need each other: its strongly connected components; it never judges a cycle."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def components(needs: Mapping[K, Sequence[K]], start: K) -> tuple[frozenset[K], ...]:
    """The strongly connected components that can be reached from `start`, each after all that it needs.

    Tarjan's algorithm without recursion, so that the length of a chain is not limited by the stack; linear in nodes
    and edges. The order follows the order of `needs`' sequences alone. A node without an entry needs nothing.
    """
    number: dict[K, int] = {start: 0}
    lowest: dict[K, int] = {start: 0}
    open_nodes: list[K] = [start]
    closed: set[K] = set()
    found: list[frozenset[K]] = []
    path: list[tuple[K, Iterator[K]]] = [(start, iter(needs.get(start, ())))]
    while path:
        node, rest = path[-1]
        for needed in rest:
            if needed not in number:
                number[needed] = lowest[needed] = len(number)
                open_nodes.append(needed)
                path.append((needed, iter(needs.get(needed, ()))))
                break
            if needed not in closed:
                lowest[node] = min(lowest[node], number[needed])
        else:
            path.pop()
            if path:
                parent = path[-1][0]
                lowest[parent] = min(lowest[parent], lowest[node])
            if lowest[node] == number[node]:
                found.append(_cut(open_nodes, node))
                closed.update(found[-1])
    return tuple(found)


def _cut(open_nodes: list[K], node: K) -> frozenset[K]:
    """Take `node` and all that was opened after it from the end of the list."""
    taken = [open_nodes.pop()]
    while taken[-1] != node:
        taken.append(open_nodes.pop())
    return frozenset(taken)
