"""What has to come before a change, and what cannot be collected."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from gatelocal.engine.collect import collect
from gatelocal.errors import ConfigurationError, InputError
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
        return (self.known[reference],)


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


def test_a_circle_is_refused_with_its_members() -> None:
    first, second = change(1, "One\n\nDepends-On: 2\n"), change(2, "Two\n\nDepends-On: 1\n")
    with pytest.raises(ConfigurationError, match=r"in a circle: .*1,1.*2,1|in a circle: .*2,1.*1,1"):
        collect(World({"1": first, "2": second}), first)


def test_two_patchsets_of_one_change_are_refused() -> None:
    old, new = change(1), change(1, patchset=2)
    top = change(2, "Top\n\nDepends-On: new\n")
    with pytest.raises(InputError, match="two patchsets of one change"):
        collect(World({"new": new}, {2: (old,)}), top)
