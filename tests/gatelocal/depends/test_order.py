"""Orders and cycles of dependency graphs, by example and by property."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatelocal.depends.cycles import components
from gatelocal.depends.graph import order

GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.fixed_dictionaries(
        {node: st.lists(st.integers(0, size - 1), max_size=4, unique=True) for node in range(size)}
    )
)


def reachable(needs: dict[int, list[int]], start: int) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        for needed in needs[waiting.pop()]:
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return seen


def test_what_is_needed_comes_first() -> None:
    needs = {"top": ["middle", "lib"], "middle": ["bottom"], "lib": ["bottom"], "bottom": []}
    assert order(needs, "top") == (("bottom",), ("middle",), ("lib",), ("top",))


def test_the_order_of_needs_decides_between_equals() -> None:
    assert order({"top": ["b", "a", "c"]}, "top") == (("b",), ("a",), ("c",), ("top",))


def test_what_nobody_needs_is_left_out() -> None:
    assert order({"top": ["a"], "a": [], "other": ["top"]}, "top") == (("a",), ("top",))


def test_a_cycle_is_one_group_in_the_order_of_the_keys() -> None:
    needs = {"c": ["a"], "a": ["b"], "b": ["c", "lib"], "lib": []}
    assert order(needs, "a") == (("lib",), ("c", "a", "b"))


def test_some_come_first_even_in_a_cycle() -> None:
    needs = {"c": ["a"], "a": ["b"], "b": ["c"]}
    assert order(needs, "a", {"c": ["b"], "b": ["a"]}) == (("a", "b", "c"),)
    assert order(needs, "a", {"c": ["b", "elsewhere"]}) == (("b", "c", "a"),)


def test_a_change_that_names_itself_is_no_cycle() -> None:
    assert order({"a": ["a", "b"], "b": []}, "a") == (("b",), ("a",))


def test_a_chain_longer_than_the_stack() -> None:
    length = 50_000
    needs = {node: [node + 1] for node in range(length)}
    assert order(needs, 0)[0] == (length,)
    needs[length] = [0]
    assert len(order(needs, 0)[0]) == length + 1


@given(GRAPHS)
def test_groups_are_the_strongly_connected_components_in_order(needs: dict[int, list[int]]) -> None:
    groups = components(needs, 0)
    reach = {node: reachable(needs, node) for node in needs}
    assert set().union(*groups) == reach[0]
    assert sum(len(group) for group in groups) == len(reach[0])
    done: set[int] = set()
    for group in groups:
        assert all(other in reach[node] for node in group for other in group)
        done |= group
        assert all(needed in done for node in group for needed in needs[node])
    assert 0 in groups[-1]
