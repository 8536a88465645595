"""A gate on a database that lands changes until its process is killed; each commit is told on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gatelocal.config.zuul_yaml import parse
from gatelocal.engine.engine import Engine
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Event, Started
from gatelocal.pipeline.policies import policy_of
from gatelocal.pipeline.state import State
from gatelocal.sim.configuration import configuration
from gatelocal.sim.server import REVIEWER, WorldChange
from gatelocal.sim.world import World
from gatelocal.store.sql import SqlStore

LAYOUT = """
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    require: {gerrit: {open: true, current-patchset: true, approval: [{Workflow: 1}]}}
    start: {gerrit: {Verified: 0}}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- job: {name: style}
- project: {name: P, gate: {jobs: [unit, style]}}
"""


class Told(SqlStore):
    """Tells of each commit when it is over."""

    commits = 0

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        super().commit(event, state, actions, ended)
        self.commits += 1
        print(json.dumps({"events": self.commits, "counter": state.counter}), flush=True)  # noqa: T201


def run(database: str) -> None:
    """Begin with an empty database of that address; approve and land one change after the other, for ever."""
    known = configuration(parse(LAYOUT, "layout"))
    store = Told(database, lambda: initial(known.layout, policy_of("default")))
    world = World(known)
    engine = Engine(store, world)
    engine.feed(Started(0.0))
    number = 0
    while True:
        number += 1
        world.server.add(WorldChange(f"C{number}", "P", files=(f"{number}.txt",)), ())
        world.server.vote(f"C{number}", "Code-Review", 2, REVIEWER, world.now)
        world.server.vote(f"C{number}", "Workflow", 1, REVIEWER, world.now)
        world.tell("comment-added", f"C{number}", approvals=(("Workflow", 1),))
        _settle(world, engine)


def _settle(world: World, engine: Engine) -> None:
    while True:
        if world.events:
            engine.feed(world.events.popleft()())
        elif (build := world.overdue()) is not None:
            engine.feed(world.end(build))
        else:
            return
