"""The server is asked once more before a batch lands, and other things happen before it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatelocal.model.record import replace
from gatelocal.pipeline.actions import Look
from gatelocal.pipeline.events import Looked
from gatelocal.pipeline.state import Stage
from gatelocal.sim.game import Play, feed
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import understand
from gatelocal.sim.world import World

TEXT = """
scenario: two that are tested together
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- queue: {name: all}
- project: {name: P, queue: all, gate: {jobs: [unit]}}
- project: {name: Q, queue: all, gate: {jobs: [unit]}}
policy: {batch: true, verify: true}
changes: {A: {project: P}, B: {project: Q}}
builds: {nodes: hold}
steps:
- approve: [A, B]
- nodes: {free: 2}
"""


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """The questions, which nobody answers."""
    found: list[Look] = []
    monkeypatch.setattr(World, "_look", lambda _, action: found.append(action))
    return found


def played() -> Play:
    scenario = understand(TEXT, Path())
    game = begin(scenario)
    for step in scenario.steps:
        take(game, step)
    return game


def answer(game: Play, question: Look, tip: str = "0", **news: Any) -> None:
    """Answer a question; what is new of B, and where its branch is."""
    server = game.world.server
    facts = (server.facts("A"), replace(server.facts("B"), **news))
    tips = (("P", "master", "0"), ("Q", "master", tip))
    feed(game, Looked(game.world.now, question.id, question.item, question.generation, facts, tips))


def queued(game: Play) -> dict[str, Stage]:
    return {name: item.stage for item in game.state.items.values() for name in item.names}


def test_all_of_a_batch_are_asked_for(asked: list[Look]) -> None:
    game = played()
    assert [one.changes for one in asked] == [("A", "B")]
    assert queued(game) == {"A": Stage.LOOKING, "B": Stage.TESTED}


def test_it_lands_and_the_next_one_is_asked_for(asked: list[Look]) -> None:
    game = played()
    answer(game, asked[0])
    assert [str(ref) for ref in game.world.landed] == ["A"]
    assert [one.changes for one in asked] == [("A", "B"), ("B",)]


def test_one_that_was_submitted_by_hand_goes_and_the_first_is_tested_by_itself(asked: list[Look]) -> None:
    game = played()
    answer(game, asked[0], "1", status="MERGED")
    assert queued(game) == {"A": Stage.TESTED}
    assert not game.world.landed
    assert [run.phase.value for item in game.state.items.values() for run in item.runs] == ["short"]


def test_one_that_cannot_land_goes_and_the_first_is_tested_by_itself(asked: list[Look]) -> None:
    game = played()
    answer(game, asked[0], wip=True)
    assert queued(game) == {"A": Stage.TESTED}
    assert not game.world.landed
    assert not game.violations


def test_a_branch_that_has_moved_tests_all_again(asked: list[Look]) -> None:
    game = played()
    answer(game, asked[0], "1")
    assert queued(game) == {"A": Stage.TESTED, "B": Stage.TESTED}
    assert [item.generation for item in game.state.items.values()] == [2, 2]
    assert not game.world.landed


def test_an_answer_that_comes_after_the_batch_has_come_apart_counts_for_nothing(asked: list[Look]) -> None:
    game = played()
    take(game, next(step for step in understand(TEXT + "- abandon: B\n", Path()).steps if step.verb == "abandon"))
    assert queued(game) == {"A": Stage.TESTED}
    answer(game, asked[0])
    assert queued(game) == {"A": Stage.TESTED}
    assert not game.world.landed
