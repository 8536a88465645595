"""What an engine that comes up has done again: what is neither answered nor called off, under the same ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.pipeline.actions import Action, StartBuild
from gatelocal.pipeline.events import Event
from gatelocal.sim.game import Play, restart
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import understand
from gatelocal.sim.world import World

TEXT = """
scenario: builds of which each has come to something else
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: runs}
- job: {name: ends}
- job: {name: pauses}
- job: {name: child}
- job: {name: lost}
- project: {name: P, gate: {jobs: [runs, ends, pauses, lost, {child: {dependencies: pauses}}]}}
- project: {name: Q, gate: {jobs: [runs]}}
changes: {A: {project: P}, B: {project: Q}}
builds:
  hold: true
  rules: [{job: pauses, returns: {pause: true}}, {job: lost, result: LOST, times: 1}]
steps:
- approve: [A, B]
- release: [{job: ends}, {job: pauses}, {job: lost}]
- abandon: B
"""


@pytest.fixture(name="game")
def _game() -> Play:
    scenario = understand(TEXT, Path())
    game = begin(scenario)
    for step in scenario.steps:
        take(game, step)
    return game


def asked_again(game: Play, monkeypatch: pytest.MonkeyPatch) -> list[StartBuild]:
    """The builds that the next engine asks for."""
    found: list[StartBuild] = []
    carry_out = World.carry_out

    def noted(self: World, action: Action) -> Event | None:
        if isinstance(action, StartBuild):
            found.append(action)
        return carry_out(self, action)

    with monkeypatch.context() as patched:
        patched.setattr(World, "carry_out", noted)
        restart(game)
    return found


def test_builds_that_have_neither_ended_nor_been_called_off_are_asked_for_again(
    game: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {(one.start.job, one.start.change, one.result) for one in game.world.builds}
    assert {("ends", "A", "SUCCESS"), ("lost", "A", "RETRY"), ("runs", "B", "ABORTED")} <= results
    up = [one.start for one in game.world.running.values()]
    assert [one.job for one in up] == ["runs", "pauses", "child", "lost"]
    assert asked_again(game, monkeypatch) == up
    assert len(game.world.builds) == len(results) == 7, "each is found, and none begun anew"


def test_what_it_has_found_is_asked_for_again_by_the_next_one(game: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked_again(game, monkeypatch)
    state = game.state
    assert asked_again(game, monkeypatch) == first
    assert game.state.items == state.items, "a build that was found still pausing is nothing new"
    while game.world.running:
        take(game, understand(TEXT.replace("- abandon: B", "- release: all"), Path()).steps[-1])
    assert asked_again(game, monkeypatch) == []
    assert [str(ref) for ref in game.world.landed] == ["A"]


def test_an_end_that_nobody_heard_of_is_told_when_the_build_is_asked_for_again(
    game: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    (build,) = (one for one in game.world.running.values() if one.start.job == "runs")
    game.world.end(build)
    again = asked_again(game, monkeypatch)
    assert build.start in again
    assert build.start not in asked_again(game, monkeypatch)
