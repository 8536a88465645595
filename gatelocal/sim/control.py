"""Steps of the world itself and of operators: builds end, nodes come, time passes, the engine is dropped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from gatelocal.model.layout import Manager
from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.pipeline.events import BuildDoomed, Dequeue, Enqueue, HoldNodes, PauseQueue, Promote, Reloaded
from gatelocal.pipeline.resources import priority
from gatelocal.pipeline.state import Queue
from gatelocal.sim.build import Build
from gatelocal.sim.expect import differences
from gatelocal.sim.game import Play, advance, feed, restart, settle
from gatelocal.sim.lined import Value
from gatelocal.sim.output import look
from gatelocal.sim.slow import failures, held, selected
from gatelocal.sim.steps import moments, selector


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
            if build.releasable or build.may_be_lost:
                _end(game, build)


def _end(game: Play, build: Build) -> None:
    feed(game, game.world.end(build))
    settle(game)


def _matching(game: Play, value: Value) -> list[Build]:
    """The running builds that a selector means; one that is paused only if it is named and going to be lost."""
    wanted = selector(value)
    return [
        one
        for one in game.world.running.values()
        if (one.releasable or ("job" in wanted and one.may_be_lost)) and _fits(game, wanted, one.start)
    ]


def _fits(game: Play, wanted: dict[str, str], ask: RequestNode | StartBuild) -> bool:
    if wanted.get("job", ask.job) != ask.job or wanted.get("pipeline", ask.pipeline) != ask.pipeline:
        return False
    name = wanted.get("change")
    return name is None or name in (ask.change, game.world.change_of(ask))


def _announce(game: Play, value: Value) -> None:
    builds = [one for one in _matching(game, value) if one.rule is not None and one.rule.early]
    if not builds:
        raise value.fail("no running build with an early rule matches")
    for build in builds:
        start = build.start
        if build.up:
            build.doomed = True
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
        ranked = sorted(world.requests.values(), key=lambda one: (priority(game.state, one.item)[:2], one.id))
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


def _answers(game: Play, value: Value) -> None:
    world = game.world
    if value.raw == "release":
        world.slow.clear()
        _give(game, list(world.waiting))
        return
    given = value.mapping() if value.is_mapping() else {}
    if "release" not in given:
        world.slow |= held(value)
    elif given["release"].is_mapping():
        wanted = selected(given["release"])
        chosen = [number for number, one in world.waiting.items() if one.fits(wanted)]
        if not chosen:
            raise given["release"].fail("no waiting answer matches")
        _give(game, chosen)
    elif given["release"].raw == "newest":
        _give(game, list(world.waiting)[-1:])
    else:
        _give(game, list(world.waiting)[: given["release"].whole()])


def _failing(game: Play, value: Value) -> None:
    if not value.is_mapping():
        game.world.failing.clear()
    game.world.failing += failures(value)


def _give(game: Play, actions: list[int]) -> None:
    for number in actions:
        if number in game.world.waiting:
            feed(game, game.world.give(number))
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
        if not any(one.label == queue and _lasting(game, one) for one in game.state.queues.values()):
            raise given[verb].fail(f"there is no queue {queue}")
        feed(game, PauseQueue(now, queue, verb == "pause"))


def _lasting(game: Play, queue: Queue) -> bool:
    """Whether people know the queue by its name: those of an independent pipeline are one for each change."""
    return game.state.layout.pipelines[queue.pipeline].manager is not Manager.INDEPENDENT


def _reload(game: Play, value: Value) -> None:
    world = game.world
    known = world.configuration if value.raw == "same" else game.scenario.configurations.get(str(value.raw))
    if known is None:
        raise value.fail("a layout to read again is a path, or same")
    if known is not world.configuration:
        game.audit.earlier.append(world.configuration)
        world.configuration = known
    feed(game, Reloaded(world.now, known.layout))


def _crash(game: Play, value: Value) -> None:
    if value.raw == "now":
        restart(game)
        return
    after = value.mapping()["after"]
    game.world.armed = after.raw if isinstance(after.raw, str) else ""
    game.world.moments = deque() if game.world.armed else deque(moments(after))


def _look(game: Play, value: Value) -> None:
    game.looks[value.text()] = look(game.world, game.state)


def _expect(game: Play, value: Value) -> None:
    game.failed += [f"line {value.line}: {text}" for text in differences(game.world, game.state, value)]


STEPS: Mapping[str, Callable[[Play, Value], None]] = {
    "release": _release,
    "announce": _announce,
    "nodes": _nodes,
    "answers": _answers,
    "failing": _failing,
    "operator": _operator,
    "reload": _reload,
    "advance": lambda game, value: advance(game, value.seconds()),
    "crash": _crash,
    "look": _look,
    "expect": _expect,
}
"""Step → what it does."""
