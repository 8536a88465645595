"""Compares what a step expects with what is: only what it names; a difference is a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatelocal.pipeline.state import State
from gatelocal.sim import output
from gatelocal.sim.lined import Value
from gatelocal.sim.world import World

_Check = Callable[[World, State, Value], list[str]]


def differences(world: World, state: State, value: Value) -> list[str]:
    """What is not as expected."""
    found: list[str] = []
    for key, wanted in value.mapping().items():
        found += _CHECKS[key](world, state, wanted)
    return found


def same_name(wanted: object, found: str) -> bool:
    """Whether a name means what was found: without a patchset it stands for any."""
    return wanted == found or (isinstance(wanted, str) and wanted == re.sub(r"\.\d+$", "", found))


def _same_names(wanted: Sequence[object], found: Sequence[str]) -> bool:
    return len(wanted) == len(found) and all(same_name(w, f) for w, f in zip(wanted, found, strict=True))


def _differ(what: str, wanted: object, found: object) -> list[str]:
    return [f"{what}: expected {wanted!r}, found {found!r}"]


def _landed(world: World, state: State, value: Value) -> list[str]:
    found = [str(ref) for ref in world.landed]
    return [] if _same_names(value.raw, found) else _differ("landed", value.raw, found)


def _trunk(world: World, state: State, value: Value) -> list[str]:
    bad: list[str] = []
    for project, branches in value.raw.items():
        for branch, wanted in branches.items():
            found = world.server.trunk((project, branch))
            if not _same_names(wanted, found):
                bad += _differ(f"trunk {project} {branch}", wanted, found)
    return bad


def _builds(world: World, state: State, value: Value) -> list[str]:
    found = output.totals(world)
    bad = [key for key, wanted in value.raw.items() if found.get(key, 0) != wanted]
    return _differ("builds", value.raw, found) if bad else []


def _running(world: World, state: State, value: Value) -> list[str]:
    found = output.running(world)
    if isinstance(value.raw, int):
        return [] if value.raw == len(found) else _differ("running", value.raw, found)
    wanted = list(value.raw)
    return [] if _match(wanted, found, _same_build) else _differ("running", value.raw, found)


def _same_build(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    for key, one in wanted.items():
        if key == "items":
            if list(one) != found["items"]:
                return False
        elif not same_name(one, found[key]):
            return False
    return True


def _match(wanted: list[Any], found: list[Any], same: Callable[[Any, Any], bool]) -> bool:
    """Whether each wanted one can have a found one of its own, and none is left (augmenting paths)."""
    if len(wanted) != len(found):
        return False
    taken: dict[int, int] = {}

    def place(at: int, tried: set[int]) -> bool:
        for number, one in enumerate(found):
            if number in tried or not same(wanted[at], one):
                continue
            tried.add(number)
            if number not in taken or place(taken[number], tried):
                taken[number] = at
                return True
        return False

    return all(place(at, set()) for at in range(len(wanted)))


def _queue(world: World, state: State, value: Value) -> list[str]:
    bad: list[str] = []
    shown = output.queues(state)
    for pipeline, wanted in value.raw.items():
        lines = [_live(queue) for queue in shown.get(pipeline, {}).values()]
        rest = list(wanted)
        fits = pipeline in shown and sum(map(len, lines)) == len(rest)
        for line in lines if fits else ():
            own = [name for name in rest if any(same_name(name, one) for one in line)]
            fits = fits and _same_names(own, line)
        if not fits:
            bad += _differ(f"queue {pipeline}", wanted, lines)
    return bad


def _live(queue: Mapping[str, Any]) -> list[str]:
    return [name for item in queue["items"] if item["live"] for name in item["changes"]]


def _window(world: World, state: State, value: Value) -> list[str]:
    found = {}
    for pipeline in state.layout.pipelines.values():
        for queue in state.queues.values():
            if queue.pipeline == pipeline.name and pipeline.manager.value == "dependent" and not queue.dynamic:
                found[queue.label] = queue.window
    bad = [name for name, wanted in value.raw.items() if found.get(name) != wanted]
    return _differ("window", value.raw, found) if bad else []


def _paused(world: World, state: State, value: Value) -> list[str]:
    found = sorted({queue.label for queue in state.queues.values() if queue.paused})
    return [] if found == sorted(value.raw) else _differ("paused", value.raw, found)


def _held(world: World, state: State, value: Value) -> list[str]:
    found = output.held(world)
    return [] if _match(list(value.raw), found, _same_build) else _differ("held", value.raw, found)


def _messages(world: World, state: State, value: Value) -> list[str]:
    bad: list[str] = []
    for name, wanted in value.raw.items():
        found = world.messages.get(name, [])
        if len(found) != wanted:
            bad += _differ(f"messages {name}", wanted, [f"{one.pipeline} {one.kind}" for one in found])
    return bad


def _status(world: World, state: State, value: Value) -> list[str]:
    found = {name: world.server.changes[name].status for name in value.raw}
    return [] if found == dict(value.raw) else _differ("status", dict(value.raw), found)


def _why(world: World, state: State, value: Value) -> list[str]:
    found = output.reasons(world, state)
    return [
        text
        for name, wanted in value.raw.items()
        if not re.search(wanted, found.get(name, ""))
        for text in _differ(f"why {name}", wanted, found.get(name, ""))
    ]


_CHECKS: Mapping[str, _Check] = {
    "landed": _landed,
    "trunk": _trunk,
    "builds": _builds,
    "running": _running,
    "queue": _queue,
    "window": _window,
    "paused": _paused,
    "held": _held,
    "messages": _messages,
    "status": _status,
    "why": _why,
}
