"""Plays a scenario: one engine, one world, one step after the other; it judges nothing (expect.py and audit.py do)."""

from __future__ import annotations

from contextlib import suppress

from gatelocal.engine.engine import Engine
from gatelocal.model.facts import Ref
from gatelocal.pipeline import invariants
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Started
from gatelocal.ports import Store
from gatelocal.sim import control, people
from gatelocal.sim.audit import Audit
from gatelocal.sim.game import Play, Stopped, engine_of, feed, settle
from gatelocal.sim.lined import ScenarioError
from gatelocal.sim.scenario import ChangeSpec, Scenario
from gatelocal.sim.server import REVIEWER, Server, WorldChange
from gatelocal.sim.steps import Step
from gatelocal.sim.world import Endless, World
from gatelocal.store.memory import MemoryStore

__all__ = ["Play", "begin", "feed", "finish", "play", "settle", "take"]


def play(scenario: Scenario, *, keep_log: bool = False, store: Store | None = None) -> Play:
    """Play all steps, or as many as there are until a rule ends with an exception.

    :raises ScenarioError: a step cannot be carried out, or comes to no end.
    """
    game = begin(scenario, keep_log=keep_log, store=store)
    with suppress(Stopped):
        for step in scenario.steps:
            try:
                take(game, step)
            except Endless as error:
                raise ScenarioError(step.line, str(error)) from None
        finish(game)
    return game


def begin(scenario: Scenario, *, keep_log: bool = False, store: Store | None = None) -> Play:
    """The world before the first step, with an engine that has come up.

    :param store: an empty one to take instead of one in memory.
    """
    world = World(scenario.configuration, hold=scenario.hold, nodes_held=scenario.nodes_held)
    world.durations = dict(scenario.durations)
    world.rules = list(scenario.rules)
    world.slow = dict(scenario.slow)
    for spec in scenario.changes:
        _add(world.server, spec)
    for spec in scenario.changes:
        world.server.set_conflicts(spec.name, {*spec.conflicts, *world.server.conflicts.get(spec.name, ())})
    store = store or MemoryStore(initial(scenario.configuration.layout, scenario.policy), keep_log=keep_log)
    audit = Audit(world)
    game = Play(scenario, world, store, Engine(store, world), audit)
    world.on_landing = lambda action, _: game.violations.extend(audit.landing(action, game.state))
    game.engine = engine_of(game)
    with suppress(Stopped):
        feed(game, Started(world.now))
        settle(game)
    return game


def _add(server: Server, spec: ChangeSpec) -> None:
    parent = Ref(spec.parent, 1) if spec.parent else None
    change = WorldChange(
        spec.name,
        spec.project,
        spec.branch,
        1,
        parent,
        spec.depends_on,
        spec.files,
        spec.status,
        spec.wip,
        spec.submit,
        spec.urgent,
    )
    server.add(change, ())
    for label, value in spec.votes.items():
        server.vote(spec.name, label, value, REVIEWER, 0.0)
    if spec.approved:
        server.vote(spec.name, "Workflow", 1, REVIEWER, 0.0)


def finish(game: Play) -> None:
    """What is to be looked at once all steps are done. :raises Stopped: a rule has ended with an exception."""
    if game.over:
        raise Stopped
    if game.world.armed:
        game.failed.append(f"crash: no {game.world.armed} came after which the engine could be dropped")
    if game.world.moments:
        game.failed.append(f"crash: {game.world.moments[0]} more moments were to pass before the engine was dropped")
    if not game.world.waiting:
        game.violations.extend(invariants.at_rest(game.state))
    game.violations.extend(game.audit.partial())
    game.violations.extend(game.audit.twice())
    game.violations.extend(game.audit.untrue())
    game.violations.extend(game.audit.left(game.state))


def take(game: Play, step: Step) -> None:
    """Carry out one step, with all its consequences.

    :raises ScenarioError: it cannot be. :raises Stopped: a rule has ended with an exception, now or before.
    """
    if game.over:
        raise Stopped
    found = people.STEPS.get(step.verb) or control.STEPS[step.verb]
    game.world.acts += step.verb in people.STEPS
    found(game, step.value)
    settle(game)
