"""What random worlds are made of: all that the format knows is asked for, happens, and takes effect in some of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from random import Random
from typing import Any

import pytest
import yaml

from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.policies import Policy
from gatelocal.sim import chance, dice
from gatelocal.sim.chance import Values
from gatelocal.sim.lots import LAYOUTS
from gatelocal.sim.runner import Play
from gatelocal.sim.world import World

WORLDS = 600

MADE_OF = {
    *(f"step {verb}" for verb in "approve event upload withdraw vote patchset abandon restore wip ready push".split()),
    *(f"step {verb}" for verb in "submit set release announce nodes reload advance crash comment operator".split()),
    *(f"operator {verb}" for verb in "dequeue promote enqueue pause resume hold".split()),
    *(f"crash {after}" for after in "merge request_node start_build cancel_build report submit now".split()),
    *(
        f"change {key}"
        for key in "branch parent depends_on conflicts approved submit files wip status votes urgent".split()
    ),
    *(f"result {one}" for one in "FAILURE TIMED_OUT POST_FAILURE LOST STOPPED NODE_FAILURE SUCCESS".split()),
    *(f"rule {key}" for key in "job change contains without times early returns".split()),
    *(f"switch {field.name}" for field in fields(Policy)),
    *(f"layout {name}" for name in LAYOUTS),
    *("event lost", "event twice", "nodes held", "durations", "classic", "default"),
}
"""What has to be asked for by some world."""

HAPPENED = {
    *(f"message {kind}" for kind in "start success failure conflict dependency requirement refused info".split()),
    *(f"build {one}" for one in "SUCCESS FAILURE ABORTED RETRY RETRY_LIMIT TIMED_OUT POST_FAILURE".split()),
    *(f"pipeline {name}" for name in "gate check post deploy".split()),
    *("cycle landed", "reset", "reused", "held node", "artifacts", "control build", "second patchset landed"),
    *("submit refused", "submit forbidden", "batch landed", "beside a queue", "pushed"),
    *("initializer", "reporter job", "overtaken"),
}
"""What has to have taken place in some world."""


def made_of(world: Values) -> set[str]:
    """What a world asks for."""
    found = {f"layout {world['layout']}"}
    policy = world["policy"]
    found |= {policy} if isinstance(policy, str) else {f"switch {name}" for name in policy}
    for step in world["steps"]:
        ((verb, body),) = step.items()
        found.add(f"step {verb}")
        if verb == "operator":
            found |= {f"operator {key}" for key in body}
        if verb == "crash":
            found.add(f"crash {body if body == 'now' else body['after']}")
        if verb == "approve" and isinstance(body, dict) and "event" in body:
            found.add(f"event {body['event']}")
    for change in world["changes"].values():
        found |= {f"change {key}" for key in change}
    for rule in world["builds"].get("rules", ()):
        found |= {f"rule {key}" for key in rule} | {f"result {rule['result']}"}
    if "nodes" in world["builds"]:
        found.add("nodes held")
    if "durations" in world["builds"]:
        found.add("durations")
    return found


def happened(game: Play) -> set[str]:
    """What took place in a world that was played."""
    world = game.world
    found = {f"message {one.kind}" for one in world.log}
    found |= {f"build {one.result}" for one in world.builds} | {
        f"pipeline {one.start.pipeline}" for one in world.builds
    }
    facts: dict[str, Any] = {
        "cycle landed": any(len(one.changes) > 1 for one in world.submitted),
        "batch landed": any(one.batch and one.left for one in world.submitted),
        "reset": any(one.start.generation > 1 for one in world.builds),
        "reused": world.reused,
        "held node": world.held,
        "artifacts": any(one.start.artifacts for one in world.builds),
        "control build": any(one.start.pipeline == "gate" and not world.items(one.workspace) for one in world.builds),
        "second patchset landed": any(ref.patchset > 1 for ref in world.landed),
        "submit refused": any(answer == "refused" for _, answer in world.submits),
        "submit forbidden": any(answer == "forbidden" for _, answer in world.submits),
        "beside a queue": any(queue.beside for queue in game.state.queues.values()),
        "pushed": world.pushed,
        "overtaken": not game.state.policy.urgent and any(queue.beside for queue in game.state.queues.values()),
        "initializer": any(one.start.job == "init" for one in world.builds),
        "reporter job": any(one.start.job == "sync" for one in world.builds),
    }
    return found | {name for name, value in facts.items() if value}


@pytest.mark.live
def test_every_kind_of_thing_is_asked_for_and_happens() -> None:
    known = chance.layouts()
    asked: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for number in range(WORLDS):
        world = dice.world(f"coverage/{number}")
        asked.update(made_of(world))
        trial = chance.Trial(world, known, deep=False)
        trial.run()
        assert not list(trial.found())
        done.update(happened(trial.game))
    assert not MADE_OF - set(asked)
    assert not HAPPENED - set(done)


def test_answers_may_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon's merger, launcher and server take their time: other events come between a question and its answer."""
    carry_out, random = World.carry_out, Random(1)  # noqa: S311 - repeatable

    def slowly(self: World, action: Action) -> Event | None:
        answer = carry_out(self, action)
        if answer is None or random.random() < 0.4:
            return answer
        self.events.insert(random.randint(0, len(self.events)), lambda: answer)
        return None

    monkeypatch.setattr(World, "carry_out", slowly)
    known = chance.layouts()
    for number in range(60):
        found = chance.tried(dice.world(f"slow/{number}"), known, deep=False)
        assert not found.violations, (number, found.violations)


def test_the_same_seed_makes_the_same_world() -> None:
    assert dice.world("a") == dice.world("a")
    assert dice.world("a") != dice.world("b")


@pytest.mark.parametrize("policy", ["classic", "default"])
def test_a_policy_can_be_asked_for(policy: str) -> None:
    assert dice.world("a", policy)["policy"] == policy


def test_the_layouts_can_be_written_out() -> None:
    for objects in LAYOUTS.values():
        assert chance.layout(yaml.safe_load(yaml.safe_dump(objects))).layout.pipelines.keys() == {
            "gate",
            "check",
            "post",
            "deploy",
        }
