"""A crash right after any action was carried out, and before that was recorded, changes nothing that others see."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.sim import runner
from gatelocal.sim.runner import Play, play
from gatelocal.sim.scenario import Scenario, read
from gatelocal.sim.world import CRASH_POINTS, Crashed, World

FOLDER = Path(__file__).parent / "scenarios"
NAMES = (
    "scenarios/the-head-fails",
    "scenarios/a-cycle-lands-whole",
    "scenarios/a-paused-job",
    "scenarios/default-policy",
    "scenarios/promote",
    "scenarios/lost-three-times",
    "policies/urgent-lands-first",
    "policies/overtaken-and-bad",
    "policies/batch-with-a-bad-one",
    "policies/batch-submit-refused",
    "policies/late-restart-one-after-the-other",
    "policies/everything-on",
)


def outcome(game: Play) -> dict[str, Any]:
    world = game.world
    return {
        "landed": [str(ref) for ref in world.landed],
        "submits": [(str(ref), answer) for ref, answer in world.submits],
        "messages": {name: [one.kind for one in found] for name, found in world.messages.items()},
        "builds": [(one.start.job, one.start.change, one.result) for one in world.builds],
        "problems": (game.failed, game.violations),
    }


def crashing(scenario: Scenario, at: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Play, int]:
    """Play with a crash after the action of that number; also how many actions there were."""
    count = 0
    carry_out = World.carry_out

    def counted(self: World, action: Action) -> Event | None:
        nonlocal count
        answer = carry_out(self, action)
        count += 1
        if count == at:
            raise Crashed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(World, "carry_out", counted)
        return play(scenario), count


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_a_crash_after_any_action_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = read(FOLDER.parent / f"{name}.yaml")
    game, count = crashing(scenario, 0, monkeypatch)
    wanted = outcome(game)
    assert wanted["problems"] == ([], [])
    assert count > 8
    for at in range(1, count + 1):
        assert outcome(crashing(scenario, at, monkeypatch)[0]) == wanted, f"crash after action {at}"


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_a_crash_at_any_moment_changes_nothing(name: str) -> None:
    """Events that come are delivered to the next engine, builds that ended meanwhile are found."""
    scenario = read(FOLDER.parent / f"{name}.yaml")
    wanted = outcome(play(scenario))
    for moment in itertools.count(1):
        game = runner.begin(scenario)
        game.world.moments.append(moment)
        for step in scenario.steps:
            runner.take(game, step)
        if game.world.moments:
            break
        runner.finish(game)
        assert outcome(game) == wanted, f"crash at moment {moment}"
    assert moment > 40


def test_the_scenarios_have_every_kind_of_action_that_a_crash_can_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    carry_out = World.carry_out

    def noted(self: World, action: Action) -> Event | None:
        seen.add(CRASH_POINTS.get(type(action), ""))
        return carry_out(self, action)

    monkeypatch.setattr(World, "carry_out", noted)
    for name in NAMES:
        play(read(FOLDER.parent / f"{name}.yaml"))
    assert seen >= set(CRASH_POINTS.values())


def test_a_crash_that_never_comes_fails_the_scenario(tmp_path: Path) -> None:
    scenario = read(FOLDER / "noop.yaml")
    game = runner.begin(scenario)
    game.world.armed = "cancel_build"
    for step in scenario.steps:
        runner.take(game, step)
    runner.finish(game)
    assert game.failed == ["crash: no cancel_build came after which the engine could be dropped"]
