"""Plays random worlds and checks that nothing is broken; a violation is shrunk to the smallest world that shows it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gatelocal.engine.replay import replay
from gatelocal.model.layout import Layout
from gatelocal.model.stanza import Stanza
from gatelocal.pipeline.events import PauseQueue
from gatelocal.pipeline.layout import layout_of
from gatelocal.sim import dice
from gatelocal.sim.lined import ScenarioError, lined
from gatelocal.sim.runner import Play, begin, feed, finish, settle, take
from gatelocal.sim.scenario import of_values

_CHUNK = 100
"""Worlds that one process plays in one go."""

_MOST_ROUNDS = 400
"""Longer than any world that comes to an end needs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A world in which something was broken. :ivar world: values of a scenario file. :ivar violations: the texts."""

    world: dict[str, Any]
    violations: tuple[str, ...]


def layouts() -> dict[str, Layout]:
    """The layouts of random worlds."""
    return {name: _layout(objects) for name, objects in dice.LAYOUTS.items()}


def _layout(objects: list[dict[str, Any]]) -> Layout:
    stanzas = []
    for at, one in enumerate(objects):
        kind, body = next(iter(one.items()))
        stanzas.append(Stanza(kind, body["name"], body, "random", at + 1))
    return layout_of(stanzas)


def search_all(number: int, seed: str, policy: str | None = None) -> Finding | None:
    """Play that many worlds on all processors; a finding, shrunk, or None."""
    workers = min(os.cpu_count() or 1, max(1, number // _CHUNK))
    parts = [range(at, min(at + _CHUNK, number)) for at in range(0, number, _CHUNK)]
    if workers == 1:
        return next((found for found in (search(part, seed, policy) for part in parts) if found), None)
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(search, part, seed, policy) for part in parts}
        try:
            for done in as_completed(waiting):
                found = done.result()
                if found is not None:
                    return found
            return None
        finally:
            for one in waiting:
                one.cancel()


def search(worlds: range, seed: str, policy: str | None = None) -> Finding | None:
    """Play worlds by their numbers; the first finding, shrunk, or None."""
    known = layouts()
    for number in worlds:
        values = dice.world(f"{seed}/{number}", policy)
        found = violations(values, known, deep=number % 16 == 0)
        if found:
            return shrink(Finding(values, tuple(found)), known)
    return None


def violations(values: dict[str, Any], known: Mapping[str, Layout], *, deep: bool = True) -> list[str]:
    """What is broken in a world that is played to its end; steps that cannot be carried out are left out.

    :param deep: replay the log as well and compare.
    """
    scenario = of_values(lined(values), Path(), None, known)
    game = begin(scenario, keep_log=deep)
    for step in scenario.steps:
        try:
            take(game, step)
        except ScenarioError:
            continue
        if game.violations:
            return game.violations
    _end(game)
    found = [text for text in game.violations if not _excused(values, text)]
    if deep and not found and replay(game.store.first, game.store.log) != game.state:
        found.append("replaying the events gives another state")
    return found


def _end(game: Play) -> None:
    """Let everything come to its end: queues go on, nodes come, builds end; then nothing may be left."""
    world = game.world
    world.armed = ""
    world.nodes_held = False
    for _ in range(_MOST_ROUNDS):
        if any(queue.anew for queue in game.state.queues.values()):
            world.rules.clear()  # the trunk is repaired: otherwise its queue would be paused for ever
        for label in sorted({queue.label for queue in game.state.queues.values() if queue.paused}):
            feed(game, PauseQueue(world.now, label, False))
            settle(game)
        for request in list(world.requests):
            if request in world.requests:
                feed(game, world.answer(request))
                settle(game)
        build = next((one for one in world.running.values() if one.releasable), None)
        if build is None and not world.requests:
            break
        if build is not None:
            feed(game, world.end(build))
            settle(game)
    finish(game)
    game.violations += _left(game)


def _left(game: Play) -> Iterator[str]:
    """What an idle world must not have: items, builds, requests, semaphores."""
    for item in game.state.items.values():
        if not any(queue.paused for queue in game.state.queues.values()):
            yield f"item {item.id} ({', '.join(map(str, item.changes))}) is left: {item.stage.value}"
    for build in game.world.running.values():
        yield f"build {build.id} of {build.start.change} is left running"
    for name in game.state.semaphores:
        yield f"semaphore {name} is left held"


def _excused(values: dict[str, Any], text: str) -> bool:
    """A server that refuses one member of a cycle leaves half of it landed: nobody can help that."""
    refuses = any(change.get("submit", "ok") != "ok" for change in values["changes"].values())
    sets = any("set" in step or "push" in step or "submit" in step for step in values["steps"])
    return text.startswith("only a part of a cycle") and (refuses or sets)


# ---- shrinking


def shrink(finding: Finding, known: Mapping[str, Layout]) -> Finding:
    """Take away steps, rules, changes and their keys as long as the same kind of violation stays."""
    kind = _kind(finding.violations[0])
    best = finding
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(best.world):
            found = _tried(candidate, known)
            if found and _kind(found[0]) == kind:
                best, smaller = Finding(candidate, tuple(found)), True
                break
    return best


def _kind(text: str) -> str:
    return re.sub(r"[0-9]+|\b[A-J](\.\d+)?\b|\(.*?\)", "", text)


def _tried(values: dict[str, Any], known: Mapping[str, Layout]) -> list[str]:
    try:
        return violations(values, known)
    except ScenarioError:
        return []


def _smaller(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Worlds with a little less in them: first whole stretches of steps, then single things."""
    steps = values["steps"]
    size = len(steps) // 2
    while size:
        for at in range(0, len(steps), size):
            yield {**values, "steps": steps[:at] + steps[at + size :]}
        size //= 2
    yield from _shorter_lists(values)
    rules = values["builds"].get("rules", [])
    for at in range(len(rules)):
        yield {**values, "builds": {**values["builds"], "rules": rules[:at] + rules[at + 1 :]}}
    for key in ("nodes", "rules", "durations"):
        if key in values["builds"] and (key != "rules" or not rules):
            yield {**values, "builds": {k: v for k, v in values["builds"].items() if k != key}}
    for name, change in values["changes"].items():
        yield {**values, "changes": {k: v for k, v in values["changes"].items() if k != name}}
        for key in change:
            if key != "project":
                less = {k: v for k, v in change.items() if k != key}
                yield {**values, "changes": {**values["changes"], name: less}}


def _shorter_lists(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for at, step in enumerate(values["steps"]):
        verb, body = next(iter(step.items()))
        if isinstance(body, list) and len(body) > 1:
            for number in range(len(body)):
                steps = copy.copy(values["steps"])
                steps[at] = {verb: body[:number] + body[number + 1 :]}
                yield {**values, "steps": steps}


def as_file(finding: Finding) -> str:
    """The finding as a scenario file that stands alone."""
    values = {**finding.world, "about": "; ".join(finding.violations)}
    values["layout"] = dice.LAYOUTS[values["layout"]]
    return yaml.dump(values, sort_keys=False, width=118, default_flow_style=None)
