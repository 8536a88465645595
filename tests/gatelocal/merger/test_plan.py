"""Which merge goes onto which base."""

from __future__ import annotations

from gatelocal.merger.plan import plan
from gatelocal.merger.repostate import freeze, from_data, to_data
from gatelocal.model.change import Change


def change(project: str, branch: str, number: int) -> Change:
    return Change(project, branch, f"{number:040x}", "S\n", number=number, patchset=1)


def test_each_branch_of_each_project_has_a_line_of_its_own() -> None:
    changes = [
        change("a", "main", 1),
        change("b", "main", 2),
        change("a", "stable", 3),
        change("a", "main", 4),
        change("b", "main", 5),
        change("a", "main", 6),
    ]
    steps = plan(changes)
    assert [step.after for step in steps] == [None, None, None, 0, 1, 3]
    assert [step.own for step in steps] == [False] * 5 + [True]
    assert [step.change for step in steps] == changes


def test_a_cycle_has_more_than_one_change_of_its_own() -> None:
    steps = plan([change("a", "main", 1), change("b", "main", 2), change("a", "main", 3)], own=2)
    assert [step.own for step in steps] == [False, True, True]


def test_the_state_of_a_repository_survives_as_data() -> None:
    state = freeze("a/b", {"refs/heads/main": "1" * 40, "refs/heads/stable/x": "2" * 40, "refs/tags/v1": "3" * 40})
    assert dict(state.branches) == {"main": "1" * 40, "stable/x": "2" * 40}
    assert from_data(to_data(state)) == state
