"""What is put into the gate: the facts of a change and of what it needs, and what is queued in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from gatelocal.engine import asked
from gatelocal.engine.asked import Asked
from gatelocal.errors import InputError
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.facts import Facts
from gatelocal.model.merged import MergedChange, MergeMode
from gatelocal.model.recipe import Recipe
from gatelocal.pipeline.actions import Prepare
from gatelocal.pipeline.decide import decide, initial
from gatelocal.pipeline.events import Enqueue
from tests.fakes.one_line import change

A, B, C, X, Y = (replace(change(number), message=f"{number}\n") for number in (1, 2, 3, 8, 9))


@dataclass
class Table:
    """A source over tables. :ivar above: a change's git ancestors, oldest first."""

    named: Mapping[Change, Sequence[Change]] = field(default_factory=dict)
    above: Mapping[Change, tuple[Change, ...]] = field(default_factory=dict)

    def change(self, name: str) -> Change:
        raise NotImplementedError

    def parents(self, change: Change) -> tuple[Change, ...]:
        return self.above.get(change, ())

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        return (next(one for one in (A, B, C, X, Y) if reference == f"https://h/{one.number}"),)


def needing(one: Change, *others: Change) -> Change:
    footers = "".join(f"Depends-On: https://h/{other.number}\n" for other in others)
    return replace(one, message=f"{one.number}\n\n{footers}")


def prepared(found: Asked) -> tuple[list[str], int]:
    """What the gate wants merged: the changes' numbers in order, and how many are the item's own."""
    state, _ = decide(initial(asked.layout(found, "gate")), Enqueue(0.0, "gate", found.facts, found.related))
    _, actions = decide(initial(asked.layout(found, "gate")), Enqueue(0.0, "gate", found.facts, found.related))
    (action,) = [one for one in actions if isinstance(one, Prepare)]
    assert state.items
    return [re.sub(r".* (\d+),1", r"\1", ref.change) for ref in action.changes], action.own


def test_a_change_alone() -> None:
    assert prepared(asked.asked(Table(), A, "HEAD")) == (["1"], 1)


def test_what_it_needs_is_merged_before_it() -> None:
    wanted = needing(X, C, B)
    assert prepared(asked.asked(Table(above={wanted: (A,)}), wanted, "HEAD")) == (["1", "3", "2", "8"], 1)


def test_a_stack_stays_in_its_order_whatever_its_length() -> None:
    stack = [replace(change(number), message=f"{number}\n") for number in range(1, 150)]
    above = {one: tuple(stack[:at]) for at, one in enumerate(stack)}
    merged, own = prepared(asked.asked(Table(above=above), stack[-1], "HEAD"))
    assert (merged, own) == ([str(number) for number in range(1, 150)], 1)


def test_what_a_merge_commit_brings_along_is_not_lost() -> None:
    above = {X: (A, B), B: ()}  # two git parents, neither of them the other's
    assert sorted(prepared(asked.asked(Table(above=above), X, "HEAD"))[0]) == ["1", "2", "8"]


def test_a_queued_change_comes_before_all_that_the_change_itself_needs() -> None:
    table = Table(above={X: (A,)})
    assert prepared(asked.asked(table, X, "HEAD", [C, B])) == (["3", "2", "1", "8"], 1)
    assert prepared(asked.asked(table, X, "HEAD", [C, A])) == (["3", "1", "8"], 1)


def test_a_queued_change_brings_what_it_needs() -> None:
    queued = needing(C, B)
    assert prepared(asked.asked(Table(), X, "HEAD", [queued, A])) == (["2", "3", "1", "8"], 1)


def test_what_needs_the_change_cannot_come_before_it() -> None:
    with pytest.raises(InputError, match=r"demo/app 3,1 cannot come before demo/app 8,1, which it needs"):
        asked.asked(Table(above={C: (X,)}), X, "HEAD", [A, C])
    with pytest.raises(InputError, match="cannot come before"):
        asked.asked(Table(), X, "HEAD", [X])


def test_a_branch_where_the_change_has_landed() -> None:
    landed = Change("demo/app", "main", "f" * 40, "Done\n", ChangeStatus.MERGED)
    found = asked.asked(Table(), landed, "HEAD")
    assert found.facts == Facts("demo/app main", 1, "demo/app", "main", status="BRANCH")
    assert found.notes == ("HEAD is on main already: what was run is its tip",)
    assert prepared(found) == ([], 0)


@pytest.mark.parametrize("own", [1, 2, 3])
def test_a_recipe_is_asked_for_again_in_its_order(own: int) -> None:
    order = [C, A, Y, B, X]
    steps = tuple(
        MergedChange(one, MergeMode.MERGE, at >= len(order) - own, "", "b", "c") for at, one in enumerate(order)
    )
    found = asked.again(Recipe("h", "gate", X, steps, ()))
    merged, count = prepared(found)
    assert count == own and set(merged[-own:]) == {str(one.number) for one in order[-own:]}
    assert merged[:-own] == [str(one.number) for one in order[:-own]]
