"""The gate and a literal, slow queue processor do the same in random worlds: the same builds with the same results."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gatelocal.sim import output
from gatelocal.sim.game import Play
from gatelocal.sim.lined import lined, root
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import of_values
from gatelocal.sim.steps import step_of
from tests.scenario.naive import Change, Job, Naive

JOBS = {
    "P": (Job("merge", holds=True), Job("t1", ("merge",)), Job("t2", ("merge",))),
    "Q": (Job("t1"), Job("t2"), Job("extra", voting=False)),
    "R": (Job("merge"), Job("t1", ("merge",)), Job("last", ("t1",))),
    "S": (),
}


def layout(window: int, floor: int, *, fail_fast: bool) -> list[dict[str, Any]]:
    approval = [{"Workflow": 1}]
    gate = {
        "name": "gate",
        "manager": "dependent",
        "window": window,
        "window-floor": floor,
        "trigger": {"gerrit": [{"event": "comment-added", "approval": approval}]},
        "require": {"gerrit": {"open": True, "current-patchset": True, "approval": approval}},
        "start": {"gerrit": {"Verified": 0}},
        "success": {"gerrit": {"Verified": 2, "submit": True}},
        "failure": {"gerrit": {"Verified": -2}},
    }
    found: list[dict[str, Any]] = [{"pipeline": gate}, {"queue": {"name": "all"}}]
    found.append({"job": {"name": "base", "parent": None, "run": "run.yaml"}})
    found += [{"job": {"name": name}} for name in ("merge", "t1", "t2", "extra", "last")]
    for project, jobs in JOBS.items():
        listed = [
            {job.name: {"dependencies": [*job.needs], "hold-following-changes": job.holds, "voting": job.voting}}
            for job in jobs
        ]
        found.append({"project": {"name": project, "queue": "all", "gate": {"jobs": listed, "fail-fast": fail_fast}}})
    return found


class Pair:
    """The same world twice."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a repeatable world, not a secret
        names = [f"C{number}" for number in range(self.random.randint(3, 9))]
        projects = self.random.sample("PPQQRRS", self.random.randint(1, 3))
        changes = [self._change(name, names[:at], projects) for at, name in enumerate(names)]
        rules = {(self.random.choice("merge t1 t1 t2 extra last".split()), self.random.choice(names)) for _ in "ab"}
        window, floor = self.random.choice([(20, 3), (2, 1), (3, 1), (1, 1)])
        fail_fast = self.random.random() < 0.2
        self.naive = Naive(changes, JOBS, rules)
        self.naive.window, self.naive.floor, self.naive.fail_fast = window, floor, fail_fast
        self.game = self._game(changes, rules, layout(window, floor, fail_fast=fail_fast))

    def _change(self, name: str, before: list[str], projects: list[str]) -> Change:
        known = {one.name: one for one in getattr(self, "_made", [])}
        project = self.random.choice(projects)
        same = [other for other in before if known[other].project == project]
        parent = (self.random.choice(same), 1) if same and self.random.random() < 0.35 else None
        footers = tuple(self.random.sample(before, 1)) if before and self.random.random() < 0.15 else ()
        conflicts = frozenset(self.random.sample(before, 1)) if before and self.random.random() < 0.15 else frozenset()
        submit = "refused" if self.random.random() < 0.08 else "ok"
        change = Change(name, project, parent, footers, conflicts, submit)
        for other in conflicts:
            known[other].conflicts |= {name}
        self._made = [*getattr(self, "_made", []), change]
        return change

    def _game(self, changes: list[Change], rules: set[tuple[str, str]], objects: list[dict[str, Any]]) -> Play:
        described = {
            one.name: {
                "project": one.project,
                **({"parent": one.parent[0]} if one.parent else {}),
                "depends_on": [*one.footers],
                "conflicts": sorted(one.conflicts),
                "submit": one.submit,
            }
            for one in changes
        }
        listed = [{"job": job, "contains": [name], "result": "FAILURE"} for job, name in sorted(rules)]
        values = {
            "scenario": "random",
            "layout": objects,
            "changes": described,
            "builds": {"hold": True, "rules": listed},
            "steps": [],
        }
        return begin(of_values(lined(values), Path()))

    def step(self) -> dict[str, Any] | None:  # noqa: PLR0911 - one for each verb
        """Do something in both; what it was, as a step of a scenario."""
        names = list(self.naive.changes)
        name = self.random.choice(names)
        change = self.naive.changes[name]
        verb = self.random.choices(
            ("approve", "release", "withdraw", "patchset", "abandon", "restore", "review", "dequeue"),
            (5, 9, 0.5, 0.5, 0.3, 0.3, 0.5, 0.2),
        )[0]
        if change.status == "MERGED" and verb != "release":
            return None
        match verb:
            case "release":
                running = sorted(self.naive.running(), key=lambda one: (one.change, one.job.name))
                if not running:
                    return None
                build = self.random.choice(running)
                self.naive.end(build)
                return {"release": {"job": build.job.name, "change": build.change}}
            case "review":
                self.naive.review(name)
                return {"vote": {"change": name, "label": "Code-Review", "value": 2}}
            case "dequeue":
                self.naive.dequeue(name)
                return {"operator": {"dequeue": name}}
            case "restore" if change.status != "ABANDONED":
                return None
            case "abandon" if change.status != "NEW":
                return None
            case _:
                getattr(self.naive, verb)(name)
                return {verb: name}

    def differences(self) -> dict[str, Any]:
        """What is not the same in both."""
        world, state, naive = self.game.world, self.game.state, self.naive
        queue = output.queues(state)["gate"]["all"]
        pairs: dict[str, tuple[object, object]] = {
            "builds": (
                Counter((b.start.job, b.change, tuple(output.items_of(world, b)), b.result) for b in world.builds),
                Counter((b.job.name, b.change, b.items, b.result) for b in naive.builds),
            ),
            "queue": (
                [name for item in queue["items"] for name in item["changes"]],
                [item.change.shown for item in naive.queue],
            ),
            "landed": ([str(ref) for ref in world.landed], naive.landed),
            "window": (queue["window"], naive.window),
            "messages": (
                {name: len(world.messages.get(name, ())) for name in naive.changes},
                {name: one.messages for name, one in naive.changes.items()},
            ),
        }
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def play(seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The steps so far, and what differs after the last one of them."""
    pair = Pair(seed)
    known = frozenset(pair.naive.changes)
    steps: list[dict[str, Any]] = []
    for _ in range(60):
        step = pair.step()
        if step is None:
            continue
        steps.append(step)
        take(pair.game, step_of(root(lined(step)), known))
        found = pair.differences()
        if found:
            return steps, found
    return steps, {}


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_the_same_builds_as_a_literal_queue_processor(start: int) -> None:
    for seed in range(start, start + 20):
        steps, found = play(seed)
        assert not found, f"seed {seed}, after {steps}"
