"""What is checked of an item's ground when the item ahead of it lands: what it was tested on has landed."""

from __future__ import annotations

from pathlib import Path

from gatelocal.model.facts import Ref
from gatelocal.model.record import replace
from gatelocal.pipeline.events import Woken
from gatelocal.pipeline.invariants import broken
from gatelocal.pipeline.state import Stage, State
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import understand

TEXT = """
scenario: two that are built on one another
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- project: {name: P, gate: {jobs: [unit]}}
changes: {N: {project: P}, A: {project: P}, B: {project: P}}
builds: {hold: true}
steps:
- approve: [A, B]
- release: {change: A}
"""


def played() -> tuple[State, State]:
    """The state before A lands, and after that: B goes on."""
    scenario = understand(TEXT, Path())
    game = begin(scenario)
    take(game, scenario.steps[0])
    before = game.state
    take(game, scenario.steps[1])
    assert (game.violations, [str(ref) for ref in game.world.landed]) == ([], ["A"])
    return before, game.state


def with_more(state: State, number: int) -> State:
    """The item was tested on N, too."""
    item = state.items[number]
    more = replace(item, content=(Ref("N", 1), *item.content))
    return replace(state, items=state.items.changed({number: more}))


def found(before: State, after: State, number: int) -> list[str]:
    """What is wrong with the item after that."""
    return broken(before, Woken(after.now), after, (), (number,))


def test_who_goes_on_was_tested_on_nothing_that_has_not_landed() -> None:
    before, after = played()
    (number,) = after.items
    name = f"item {number} (B)"
    assert not found(before, after, number)
    assert found(before, with_more(after, number), number) == [
        f"{name} goes on and was tested on N, which has not landed"
    ]


def test_who_goes_on_does_so_because_what_is_ahead_has_landed() -> None:
    before, after = played()
    (number,) = after.items
    after = replace(after, changes=after.changes.changed({"A": before.changes["A"]}))
    ahead = before.items[number].ahead
    assert found(before, after, number) == [f"item {number} (B) goes on without item {ahead}, which has not landed"]


def test_who_has_nobody_ahead_is_prepared_with_itself_only() -> None:
    before, after = played()
    (number,) = after.items
    item = replace(after.items[number], stage=Stage.PREPARING)
    after = with_more(replace(after, items=after.items.changed({number: item})), number)
    wrong = f"item {number} (B) contains something else than what is ahead of it, and itself"
    assert wrong in found(before, after, number)
