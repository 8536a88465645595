"""Plays a scenario: one engine, one world, one step after the other; it judges nothing (expect.py and audit.py do)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gatelocal.engine.engine import Engine
from gatelocal.model.facts import Ref
from gatelocal.pipeline import invariants
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import (
    BuildDoomed,
    Dequeue,
    Enqueue,
    Event,
    HoldNodes,
    PauseQueue,
    Promote,
    Reloaded,
    Started,
    Woken,
)
from gatelocal.pipeline.resources import priority
from gatelocal.pipeline.state import State
from gatelocal.sim.audit import Audit
from gatelocal.sim.expect import differences
from gatelocal.sim.lined import Value
from gatelocal.sim.output import look
from gatelocal.sim.scenario import ChangeSpec, Scenario, parent_of, votes_of
from gatelocal.sim.server import REVIEWER, Server, WorldChange
from gatelocal.sim.steps import Step, selector
from gatelocal.sim.world import Build, Crashed, World
from gatelocal.store.memory import MemoryStore


@dataclass(slots=True)
class Play:
    """A scenario that is being played.

    :ivar failed: expectations that did not hold. :ivar violations: what must never be and was.
    """

    scenario: Scenario
    world: World
    store: MemoryStore
    engine: Engine
    audit: Audit
    failed: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The gate's."""
        return self.engine.state


def play(scenario: Scenario, *, keep_log: bool = False) -> Play:
    """Play all steps. :raises ScenarioError: a step cannot be carried out."""
    game = begin(scenario, keep_log=keep_log)
    for step in scenario.steps:
        take(game, step)
    finish(game)
    return game


def begin(scenario: Scenario, *, keep_log: bool = False) -> Play:
    """The world before the first step, with an engine that has come up."""
    world = World(hold=scenario.hold, nodes_held=scenario.nodes_held)
    world.durations = dict(scenario.durations)
    world.rules = list(scenario.rules)
    for spec in scenario.changes:
        _add(world.server, spec)
    for spec in scenario.changes:
        world.server.set_conflicts(spec.name, {*spec.conflicts, *world.server.conflicts.get(spec.name, ())})
    store = MemoryStore(initial(scenario.layout, scenario.policy), keep_log=keep_log)
    audit = Audit(world)
    game = Play(scenario, world, store, Engine(store, world), audit)
    world.on_landing = lambda action, _: game.violations.extend(audit.landing(action, game.state))
    game.engine = _engine(game)
    feed(game, Started(world.now))
    settle(game)
    return game


def _engine(game: Play) -> Engine:
    def watch(before: State, event: Event, after: State, actions: tuple[Action, ...], touched: tuple[int, ...]) -> None:
        game.violations.extend(invariants.broken(before, event, after, actions, touched))

    return Engine(game.store, game.world, watch)


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
    """What is to be looked at once all steps are done."""
    if game.world.armed:
        game.failed.append(f"crash: no {game.world.armed} came after which the engine could be dropped")
    game.violations.extend(invariants.at_rest(game.state))
    game.violations.extend(game.audit.partial())
    game.violations.extend(game.audit.twice())


# ---- the consequences


def feed(game: Play, event: Event) -> None:
    """Give the engine an event; if it is dropped on the way, another one is made from the store."""
    try:
        game.engine.feed(event)
        return
    except Crashed:
        pass
    _restart(game)


def _restart(game: Play) -> None:
    while True:
        game.engine = _engine(game)
        try:
            game.engine.run()
            game.engine.feed(Started(game.world.now))
            return
        except Crashed:
            continue


def settle(game: Play) -> None:
    """Handle all that follows: the oldest waiting event, or else the oldest build whose time is over; and again."""
    while True:
        if game.world.events:
            feed(game, game.world.events.popleft()())
            continue
        build = game.world.overdue()
        if build is None:
            return
        feed(game, game.world.end(build))


def _advance(game: Play, seconds: float) -> None:
    """Let time pass: builds end and the engine is woken, in order of time."""
    world = game.world
    end = world.now + seconds
    while True:
        points = [point for point in (world.next_due(), world.wake or None) if point is not None and point <= end]
        if not points:
            break
        world.now = max(world.now, min(points))
        settle(game)
        if world.wake and world.wake <= world.now:
            world.wake = 0.0
            feed(game, Woken(world.now))
            settle(game)
    world.now = end
    settle(game)


# ---- steps


def take(game: Play, step: Step) -> None:
    """Carry out one step, with all its consequences. :raises ScenarioError: it cannot be."""
    _STEPS[step.verb](game, step.value)
    settle(game)


def _upload(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        game.world.tell("patchset-created", item.text())
        settle(game)


def _approve(game: Play, value: Value) -> None:
    world = game.world
    for item in value.one_or_many():
        given = item.mapping() if item.is_mapping() else {"change": item}
        name = given["change"].text()
        if "urgent" in given:
            world.server.changes[name].urgent = given["urgent"].truth()
        world.server.vote(name, "Workflow", 1, REVIEWER, world.now)
        event = given["event"].text() if "event" in given else ""
        for _ in range({"lost": 0, "twice": 2}.get(event, 1)):
            world.tell("comment-added", name, approvals=(("Workflow", 1),))
        settle(game)


def _event(game: Play, value: Value) -> None:
    given = value.mapping() if value.is_mapping() else {"change": value}
    name = given["change"].text()
    patchset = given["patchset"].whole() if "patchset" in given else 0
    if patchset > game.world.server.changes[name].patchset:
        raise given["patchset"].fail(f"{name} has no patchset {patchset}")
    game.world.tell("comment-added", name, patchset=patchset, approvals=(("Workflow", 1),))


def _withdraw(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        game.world.server.vote(item.text(), "Workflow", None, REVIEWER, game.world.now)
        game.world.tell("comment-added", item.text(), approvals=(("Workflow", 0),))
        settle(game)


def _vote(game: Play, value: Value) -> None:
    given = value.mapping()
    name, label, number = given["change"].text(), given["label"].text(), given["value"].whole()
    by = given["by"].text() if "by" in given else REVIEWER
    game.world.server.vote(name, label, number, by, game.world.now)
    game.world.tell("comment-added", name, approvals=((label, number),), by=by)


def _comment(game: Play, value: Value) -> None:
    given = value.mapping()
    game.world.tell("comment-added", given["change"].text(), comment=given["text"].text())


def _patchset(game: Play, value: Value) -> None:
    given = value.mapping() if value.is_mapping() else {"change": value}
    name = given["change"].text()
    server = game.world.server
    if server.changes[name].status == "MERGED":
        raise value.fail(f"{name} has landed")
    server.new_patchset(name, _new_fields(server, given))
    if "conflicts" in given:
        server.set_conflicts(name, given["conflicts"].names())
    for label, number in votes_of(given["votes"]).items() if "votes" in given else ():
        server.vote(name, label, number, REVIEWER, game.world.now)
    if "approved" in given and given["approved"].truth():
        server.vote(name, "Workflow", 1, REVIEWER, game.world.now)
    game.world.tell("patchset-created", name)


def _new_fields(server: Server, given: dict[str, Value]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key in ("project", "branch", "status", "submit"):
        if key in given:
            fields[key] = given[key].text()
    for key in ("depends_on", "files"):
        if key in given:
            fields[key] = given[key].names()
    for key in ("wip", "urgent"):
        if key in given:
            fields[key] = given[key].truth()
    if "parent" in given:
        parent = parent_of(given["parent"])
        fields["parent"] = server.changes[parent].ref if parent else None
    return fields


def _status(game: Play, value: Value, status: str, kind: str) -> None:
    for item in value.one_or_many():
        change = game.world.server.changes[item.text()]
        if change.status == "MERGED":
            raise item.fail(f"{change.name} has landed")
        change.status = status
        game.world.server.touched(change.name)
        game.world.tell(kind, change.name)
        settle(game)


def _wip(game: Play, value: Value, wip: bool) -> None:
    for item in value.one_or_many():
        game.world.server.changes[item.text()].wip = wip
        game.world.server.touched(item.text())
        game.world.tell("wip-state-changed", item.text())
        settle(game)


def _push(game: Play, value: Value) -> None:
    given = value.mapping()
    key = (given["project"].text(), given["branch"].text() if "branch" in given else "master")
    name = given["name"].text()
    if name in game.world.server.places:
        raise given["name"].fail(f"{name} is on a branch already")
    files = given["files"].names() if "files" in given else (f"{name}.txt",)
    game.world.pushed[name] = files
    game.world.server.push(*key, name, given["conflicts"].names() if "conflicts" in given else ())
    game.world.tell_ref(key, files, ours=False)


def _submit(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        change = game.world.server.changes[item.text()]
        if change.status != "NEW":
            raise item.fail(f"{change.name} is not open")
        game.world.server.land(change.name, foreign=True)
        game.world.tell("change-merged", change.name)
        game.world.tell_ref((change.project, change.branch), change.files, ours=False)
        settle(game)


def _set(game: Play, value: Value) -> None:
    given = value.mapping()
    name = given["change"].text()
    server, change = game.world.server, game.world.server.changes[given["change"].text()]
    if "submit" in given:
        change.submit = given["submit"].text()
    if "wip" in given:
        change.wip = given["wip"].truth()
    if "urgent" in given:
        change.urgent = given["urgent"].truth()
    if "status" in given:
        if given["status"].text() == "MERGED" and change.status != "MERGED":
            server.land(name, foreign=True)
        elif change.status == "MERGED" and given["status"].text() != "MERGED":
            raise given["status"].fail(f"{name} has landed")
        change.status = given["status"].text()
    for label, number in votes_of(given["votes"]).items() if "votes" in given else ():
        server.vote(name, label, number, REVIEWER, game.world.now)
    if "approved" in given:
        server.vote(name, "Workflow", 1 if given["approved"].truth() else None, REVIEWER, game.world.now)
    server.touched(name)


def _release(game: Play, value: Value) -> None:
    if value.raw == "all":
        while True:
            build = next((one for one in game.world.running.values() if one.releasable), None)
            if build is None:
                return
            _end(game, build)
    for item in value.one_or_many():
        builds = _matching(game, item)
        if not builds:
            raise item.fail(f"no running build matches {dict(selector(item)) or 'it'}")
        for build in builds:
            if build.releasable:
                _end(game, build)


def _end(game: Play, build: Build) -> None:
    feed(game, game.world.end(build))
    settle(game)


def _matching(game: Play, value: Value) -> list[Build]:
    wanted = selector(value)
    return [one for one in game.world.running.values() if one.releasable and _fits(game, wanted, one.start)]


def _fits(game: Play, wanted: dict[str, str], start: Any) -> bool:
    for key in ("job", "pipeline"):
        if key in wanted and wanted[key] != getattr(start, key):
            return False
    name = wanted.get("change")
    if name is None or name == start.change:
        return True
    change = game.world.server.changes.get(start.change)
    return change is not None and name == f"{change.name}.{change.patchset}"


def _announce(game: Play, value: Value) -> None:
    builds = [one for one in _matching(game, value) if one.rule is not None and one.rule.early]
    if not builds:
        raise value.fail("no running build with an early rule matches")
    for build in builds:
        start = build.start
        if build.up:
            feed(game, BuildDoomed(game.world.now, start.id, start.item, start.generation, start.run))
            settle(game)


def _nodes(game: Play, value: Value) -> None:
    world = game.world
    if value.raw == "release":
        world.nodes_held = False
        _answer(game, list(world.requests))
        return
    given = value.mapping()
    if "free" in given:
        ranked = sorted(world.requests.values(), key=lambda one: (priority(game.state, one.item), one.id))
        _answer(game, [one.id for one in ranked[: given["free"].whole()]])
    elif given["release"].is_mapping():
        wanted = selector(given["release"])
        chosen = [one.id for one in world.requests.values() if _fits(game, wanted, one)]
        if not chosen:
            raise given["release"].fail("no waiting request matches")
        _answer(game, chosen)
    else:
        _answer(game, list(world.requests)[: given["release"].whole()])


def _answer(game: Play, requests: list[int]) -> None:
    for number in requests:
        if number in game.world.requests:
            feed(game, game.world.answer(number))
            settle(game)


def _operator(game: Play, value: Value) -> None:
    given = value.mapping()
    now = game.world.now
    pipeline = given["pipeline"].text() if "pipeline" in given else ""
    if pipeline and pipeline not in game.state.layout.pipelines:
        raise given["pipeline"].fail(f"there is no pipeline {pipeline}")
    if "dequeue" in given:
        feed(game, Dequeue(now, given["dequeue"].text(), pipeline))
    elif "promote" in given:
        feed(game, Promote(now, given["promote"].names(), pipeline))
    elif "enqueue" in given:
        name = given["enqueue"].text()
        feed(game, Enqueue(now, pipeline, game.world.server.facts(name), game.world.server.related(name)))
    elif "hold" in given:
        wish = given["hold"].mapping()
        change = wish["change"].text() if "change" in wish else ""
        count = wish["count"].whole() if "count" in wish else 1
        feed(game, HoldNodes(now, wish["project"].text(), wish["job"].text(), change, count))
    else:
        verb = "pause" if "pause" in given else "resume"
        queue = given[verb].text()
        if not any(one.label == queue for one in game.state.queues.values()):
            raise given[verb].fail(f"there is no queue {queue}")
        feed(game, PauseQueue(now, queue, verb == "pause"))


def _reload(game: Play, value: Value) -> None:
    layouts = game.scenario.layouts
    layout = game.state.layout if value.raw == "same" else layouts.get(str(value.raw))
    if layout is None:
        raise value.fail("a layout to read again is a path, or same")
    feed(game, Reloaded(game.world.now, layout))


def _crash(game: Play, value: Value) -> None:
    if value.raw == "now":
        _restart(game)
    else:
        game.world.armed = value.mapping()["after"].text()


def _look(game: Play, value: Value) -> None:
    game.looks[value.text()] = look(game.world, game.state)


def _expect(game: Play, value: Value) -> None:
    game.failed += [f"line {value.line}: {text}" for text in differences(game.world, game.state, value)]


_STEPS: dict[str, Callable[[Play, Value], None]] = {
    "upload": _upload,
    "approve": _approve,
    "event": _event,
    "withdraw": _withdraw,
    "vote": _vote,
    "comment": _comment,
    "patchset": _patchset,
    "abandon": lambda game, value: _status(game, value, "ABANDONED", "change-abandoned"),
    "restore": lambda game, value: _status(game, value, "NEW", "change-restored"),
    "wip": lambda game, value: _wip(game, value, True),
    "ready": lambda game, value: _wip(game, value, False),
    "push": _push,
    "submit": _submit,
    "set": _set,
    "release": _release,
    "announce": _announce,
    "nodes": _nodes,
    "operator": _operator,
    "reload": _reload,
    "advance": lambda game, value: _advance(game, value.seconds()),
    "crash": _crash,
    "look": _look,
    "expect": _expect,
}
