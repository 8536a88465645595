"""The server takes its time with a submit, and other things happen before it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.pipeline.actions import Submit
from gatelocal.pipeline.events import Submitted
from gatelocal.sim.game import Play, feed
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import understand
from gatelocal.sim.world import World

TEXT = """
scenario: a window of two
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
    window: 2
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- project: {name: P, gate: {jobs: [unit]}}
changes: {A: {project: P}, B: {project: P}, C: {project: P}, D: {project: P}}
builds: {hold: true}
steps: []
"""


@pytest.fixture(name="late")
def _late(monkeypatch: pytest.MonkeyPatch) -> list[Submitted]:
    """The answers to submits of B, which have not come yet."""
    found: list[Submitted] = []
    submit = World._submit

    def slowly(self: World, action: Submit) -> Submitted | None:
        answer = submit(self, action)
        if action.ref.change != "B":
            return answer
        found.append(answer)
        return None

    monkeypatch.setattr(World, "_submit", slowly)
    return found


def do(game: Play, steps: str, text: str = TEXT) -> None:
    for step in understand(text.replace("steps: []\n", "steps:\n" + steps), Path()).steps:
        take(game, step)


def running(game: Play) -> dict[str, list[str]]:
    """What runs: change → what is in its workspace."""
    world = game.world
    return {one.start.change: [str(ref) for ref in world.items(one.workspace)] for one in world.running.values()}


def test_nobody_is_tested_on_one_that_has_not_had_its_turn(late: list[Submitted]) -> None:
    """A has landed, so that the window comes to C; but B is being submitted then, and nobody is taken in meanwhile."""
    game = begin(understand(TEXT, Path()))
    do(game, "- approve: [A, B, C]\n- release: {change: B}\n- release: {change: A}\n- approve: D\n")
    assert (len(late), running(game)) == (1, {})
    feed(game, late[0])
    assert running(game) == {"C": ["C"], "D": ["C", "D"]}
    do(game, "- release: all\n")
    assert [str(ref) for ref in game.world.landed] == ["A", "B", "C", "D"]
    assert not game.violations


BATCH = """
scenario: a cycle and another that are tested together
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- queue: {name: ring, allow-circular-dependencies: true}
- project: {name: P, queue: ring, gate: {jobs: [unit]}}
policy: {batch: true}
changes: {A: {project: P, depends_on: [B]}, B: {project: P, depends_on: [A], approved: true}, C: {project: P}}
builds: {nodes: hold}
steps: []
"""


def test_a_cycle_that_has_begun_to_land_lands_whole_though_its_batch_has_come_apart(late: list[Submitted]) -> None:
    game = begin(understand(BATCH, Path()))
    do(game, "- approve: [A, C]\n- nodes: {free: 1}\n- abandon: C\n", BATCH)
    feed(game, late[0])
    assert [(str(one.ref), bool(one.batch), one.left) for one in game.world.submitted] == [
        ("B", True, 2),
        ("A", False, 0),
    ]
    assert [str(ref) for ref in game.world.landed] == ["B", "A"]
    assert not game.violations
