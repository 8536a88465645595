"""What random worlds are made of: all that the format knows is asked for, happens, and takes effect in some of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
import yaml

from gatelocal.pipeline.actions import Action, Look, Prepare, ReadServer, RequestNode, StartBuild, Submit
from gatelocal.pipeline.events import BuildDone, Event, NodeAnswer
from gatelocal.pipeline.policies import Policy
from gatelocal.sim import chance, dice
from gatelocal.sim.chance import Values
from gatelocal.sim.lots import LAYOUTS
from gatelocal.sim.runner import Play
from gatelocal.sim.slow import FAILING, SLOW, WORK
from gatelocal.sim.world import World

WORLDS = 600

MADE_OF = {
    *(f"step {verb}" for verb in "approve event upload withdraw vote patchset abandon restore wip ready push".split()),
    *(f"step {verb}" for verb in "submit set release announce nodes answers reload advance crash".split()),
    *("step comment", "step operator"),
    *(f"failing {word}" for word in (*FAILING.values(), "work")),
    *(f"operator {verb}" for verb in "dequeue promote enqueue pause resume hold".split()),
    *(f"crash {after}" for after in "merge request_node start_build cancel_build report submit now once twice".split()),
    *(f"answers {word}" for word in (*SLOW.values(), *WORK, "release", "oldest", "newest", "chosen", "from the start")),
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
    *("initializer", "reporter job", "overtaken", "late submit"),
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
            after = body if body == "now" else body["after"]
            found.add(f"crash {'once' if isinstance(after, int) else 'twice' if isinstance(after, list) else after}")
        if verb == "answers":
            found |= answers(body)
        if verb == "failing":
            found |= {f"failing {key}" for key in body}
        if verb == "approve" and isinstance(body, dict) and "event" in body:
            found.add(f"event {body['event']}")
    for change in world["changes"].values():
        found |= {f"change {key}" for key in change}
    for rule in world["builds"].get("rules", ()):
        found |= {f"rule {key}" for key in rule} | {f"result {rule['result']}"}
    if "answers" in world["builds"]:
        found |= {"answers from the start", *answers(world["builds"]["answers"])}
    if "nodes" in world["builds"]:
        found.add("nodes held")
    if "durations" in world["builds"]:
        found.add("durations")
    return found


def answers(body: Any) -> set[str]:
    """What is asked for of answers."""
    if isinstance(body, str):
        return {f"answers {body}"}
    if "hold" in body:
        return {f"answers {word}" for word in (*body["hold"], body["work"])}
    given = body["release"]
    return {f"answers {'oldest' if isinstance(given, int) else 'newest' if given == 'newest' else 'chosen'}"}


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
        "late submit": world.late,
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


FOUND = {
    *(f"{name} done anew" for name in SLOW.values()),
    *("landing found", "node found", "build found", "end of a build found"),
}
"""What an engine that comes up has to come upon in some world."""


@pytest.mark.live
def test_what_dead_engines_leave_is_found_or_done_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out, first = World.carry_out, World._first
    asked: set[int] = set()
    again: set[int] = set()
    found: set[str] = set()

    def carried(self: World, action: Action) -> Event | None:
        (again if action.id in asked else asked).add(action.id)
        return carry_out(self, action)

    def noted(self: World, action: Action) -> Event | None:
        known = action.id in self._answers
        answer = first(self, action)
        match action:
            case Submit() if known:
                found.add("landing found")
            case StartBuild() if known:
                found.add("end of a build found" if isinstance(answer, BuildDone) else "build found")
            case RequestNode() if known and isinstance(answer, NodeAnswer):
                found.add("node found")
            case Prepare() | Look() | Submit() | ReadServer() if action.id in again and not known:
                found.add(f"{SLOW[type(action)]} done anew")
        return answer

    monkeypatch.setattr(World, "carry_out", carried)
    monkeypatch.setattr(World, "_first", noted)
    known = chance.layouts()
    for number in range(WORLDS):
        asked.clear()
        again.clear()
        assert not chance.tried(dice.world(f"late/{number}"), known, deep=False).violations
    assert sorted(FOUND - found) == []


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
