"""What has to come before a change, and what cannot be collected."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from gatelocal.engine.collect import collect, collect_item
from gatelocal.errors import InputError, NotOfThisGate
from gatelocal.model.change import Change, ChangeStatus


def change(number: int, message: str = "Subject\n", project: str = "demo/app", **others: object) -> Change:
    value = Change(project, "main", f"{number:040x}", message, ChangeStatus.NEW, number=number, patchset=1)
    return replace(value, **others)  # type: ignore[arg-type]


@dataclass
class World:
    """A Source over a table: references to changes, and changes to their git parents."""

    known: dict[str, Change]
    git_parents: dict[int, tuple[Change, ...]] = field(default_factory=dict)

    def change(self, name: str) -> Change:
        return self.known[name]

    def parents(self, change: Change) -> tuple[Change, ...]:
        return self.git_parents.get(change.number or 0, ())

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        if reference not in self.known:
            raise NotOfThisGate("it leads nowhere")
        return (self.known[reference],)


def test_what_leads_nowhere_is_noted_and_passed_over() -> None:
    library = change(1, "Library\n\nDepends-On: #12\n", project="demo/library")
    top = change(3, "Top\n\nDepends-On: N/A\nDepends-On: L\nDepends-On: N/A\n")
    found = collect_item(World({"L": library}), [top])
    assert found.changes == (library, top)
    assert found.notes == (
        "Depends-On: N/A of demo/app 3,1 is passed over, as Zuul does: it leads nowhere",
        "Depends-On: #12 of demo/library 1,1 is passed over, as Zuul does: it leads nowhere",
    )


def test_a_change_alone() -> None:
    alone = change(1)
    assert collect(World({}), alone) == (alone,)


def test_footers_and_parents_come_first_and_only_once() -> None:
    library = change(1, project="demo/library")
    parent = change(2, "Parent\n\nDepends-On: L\n")
    top = change(3, "Top\n\nDepends-On: L\n")
    world = World({"L": library}, {3: (parent,)})
    assert collect(world, top) == (library, parent, top)


def test_merged_dependencies_are_left_out() -> None:
    merged = change(1, status=ChangeStatus.MERGED)
    top = change(2, "Top\n\nDepends-On: M\n")
    assert collect(World({"M": merged}), top) == (top,)


def test_an_abandoned_dependency_is_refused_by_name() -> None:
    gone = change(1, status=ChangeStatus.ABANDONED)
    top = change(2, "Top\n\nDepends-On: A\n")
    with pytest.raises(InputError, match="demo/app 2,1 depends on demo/app 1,1, which is abandoned"):
        collect(World({"A": gone}), top)


def test_a_cycle_is_one_item_with_all_its_members() -> None:
    library = change(9, project="demo/library")
    first, second = change(1, "One\n\nDepends-On: 2\n"), change(2, "Two\n\nDepends-On: 1\nDepends-On: L\n")
    found = collect_item(World({"1": first, "2": second, "L": library}), [first])
    assert (found.ahead, found.item) == ((library,), (first, second))


def test_git_parents_come_first_in_a_cycle() -> None:
    below, above = change(1, "One\n\nDepends-On: 3\n"), change(2, "Two\n")
    other = change(3, "Three\n\nDepends-On: 2\n", project="demo/other")
    world = World({"2": above, "3": other}, {2: (below,)})
    for asked in (below, above, other):
        found = collect_item(world, [asked])
        assert found.own == 3
        assert found.changes.index(below) < found.changes.index(above)


def test_what_stands_on_a_cycle_is_an_item_of_its_own() -> None:
    first, second = change(1, "One\n\nDepends-On: 2\n"), change(2, "Two\n\nDepends-On: 1\n")
    top = change(3, "Top\n\nDepends-On: 1\n")
    found = collect_item(World({"1": first, "2": second}), [top])
    assert (found.ahead, found.item) == ((first, second), (top,))


def test_several_wishes_are_merged_in_their_order_and_once() -> None:
    library = change(9, project="demo/library")
    one, two = change(1, "One\n\nDepends-On: L\n"), change(2, "Two\n\nDepends-On: L\n")
    found = collect_item(World({"L": library}), [two, one])
    assert (found.ahead, found.item) == ((library, two), (one,))
    found = collect_item(World({"L": library}), [one, library])
    assert (found.ahead, found.item) == ((library,), (one,))
    assert collect_item(World({}), []).changes == ()


def test_two_patchsets_of_one_change_are_refused() -> None:
    old, new = change(1), change(1, patchset=2)
    top = change(2, "Top\n\nDepends-On: new\n")
    with pytest.raises(InputError, match="two patchsets of one change"):
        collect(World({"new": new}, {2: (old,)}), top)
