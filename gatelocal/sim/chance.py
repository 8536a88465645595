"""Plays random worlds to their end and checks that nothing is broken; it makes none and shrinks none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatelocal.engine.replay import replay
from gatelocal.model.stanza import Stanza
from gatelocal.pipeline.decide import decide
from gatelocal.sim import dice
from gatelocal.sim.configuration import Configuration, configuration
from gatelocal.sim.game import Stopped, raised
from gatelocal.sim.lined import ScenarioError, lined, root
from gatelocal.sim.lots import LAYOUTS, PROJECTS
from gatelocal.sim.runner import Play, begin, finish, take
from gatelocal.sim.scenario import of_values
from gatelocal.sim.steps import step_of
from gatelocal.sim.world import Endless

_CHUNK = 100
"""Worlds that one process plays in one go."""

_DEEP = 16
"""Of so many worlds one is looked at in depth: decided twice, and replayed."""

_ROUNDS = 12
"""How often the end is tried: a branch that is broken for good pauses its queue again and again."""

_MOST_DECISIONS = 4_000
"""More than any world needs that comes to an end."""

DEEP = ("deciding twice", "replaying")
"""How the violations begin that only a look in depth shows."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A world in which something was broken.

    :ivar world: values of a scenario file, with only those steps that could be carried out.
    :ivar violations: the texts.
    """

    world: Values
    violations: tuple[str, ...]


def layouts() -> dict[str, Configuration]:
    """The layouts of random worlds."""
    return {name: layout(objects) for name, objects in LAYOUTS.items()}


def layout(objects: list[Values]) -> Configuration:
    """A layout of its objects. :raises gatelocal.errors.ConfigurationError: it is none."""
    stanzas = []
    for at, one in enumerate(objects):
        kind, body = next(iter(one.items()))
        stanzas.append(Stanza(kind, body["name"], body, "random", at + 1))
    return configuration(stanzas, (), PROJECTS)


def search_all(number: int, seed: str, policy: str | None = None) -> Finding | None:
    """Play that many worlds on all processors; a finding, or None."""
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
    """Play worlds by their numbers; the first finding, or None."""
    known = layouts()
    for number in worlds:
        found = tried(dice.world(f"{seed}/{number}", policy), known, deep=number % _DEEP == 0)
        if found.violations:
            return found
    return None


def tried(values: Values, known: Mapping[str, Configuration], *, deep: bool = True) -> Finding:
    """A world played to its end, with what is broken in it."""
    trial = Trial(values, known, deep)
    trial.run()
    return Finding({**values, "steps": trial.done}, tuple(dict.fromkeys(trial.found())))


class Trial:
    """One world. :ivar done: the steps that were carried out, those at the end included."""

    def __init__(self, values: Values, known: Mapping[str, Configuration], deep: bool) -> None:
        self._values = values
        self._names = frozenset(values["changes"])
        self._deep = deep
        self._wrong: list[str] = []
        self.done: list[Values] = []
        scenario = of_values(lined({**values, "steps": []}), Path(), None, known)
        self.game: Play = begin(scenario, keep_log=deep)
        self.game.most = _MOST_DECISIONS

    def run(self) -> None:
        """Play all steps and the end; those that cannot be carried out are left out. Stops at the first violation."""
        try:
            self._play()
        except Stopped:
            pass
        except Endless as error:
            self._wrong.append(str(error))
        except Exception as error:
            self._wrong.append(raised(error))

    def _play(self) -> None:
        for step in self._values["steps"]:
            self._take(step)
            if self.game.violations:
                return
        self._end()
        finish(self.game)
        if self._deep:
            self._look_deeper()

    def _take(self, step: Values) -> bool:
        try:
            take(self.game, step_of(root_of(step), self._names))
        except ScenarioError:
            return False
        except (Stopped, Endless):
            self.done.append(step)
            raise
        self.done.append(step)
        return True

    def _end(self) -> None:
        """Let everything come to its end: queues go on, nodes come, builds end."""
        game = self.game
        if game.world.armed or game.world.moments:
            # A crash that never came would fail the scenario: it comes now.
            self._call_off()
            self._take({"crash": "now"})
        if game.world.failing:
            self._take({"failing": "none"})
        if game.world.nodes_held:
            self._take({"nodes": "release"})
        if game.world.slow or game.world.waiting:
            self._take({"answers": "release"})
        for _ in range(_ROUNDS):
            paused = sorted({queue.label for queue in game.state.queues.values() if queue.paused})
            for label in paused:
                self._take({"operator": {"resume": label}})
            if game.engine.due is not None:
                self._take({"advance": "10m"})
            elif not game.world.running and not paused:
                return
            self._take({"release": "all"})

    def _call_off(self) -> None:
        """Leave of the last step for a later crash what has come of it."""
        world = self.game.world
        at = max(at for at, step in enumerate(self.done) if "crash" in step and step["crash"] != "now")
        after = self.done[at]["crash"]["after"]
        came = [] if isinstance(after, str | int) else after[: len(after) - len(world.moments)]
        self.done[at : at + 1] = [{"crash": {"after": came}}] if came else []
        world.armed = ""
        world.moments.clear()

    def _look_deeper(self) -> None:
        log, state = self.game.store.log, self.game.store.first
        for event in log:
            once = decide(state, event)
            if decide(state, event) != once:
                self._wrong.append("deciding twice gives two different states or actions")
            state = once[0]
        if state != self.game.state or replay(self.game.store.first, log) != state:
            self._wrong.append("replaying the events gives another state")

    def found(self) -> Iterator[str]:
        """What is broken."""
        yield from (text for text in self.game.violations if not _excused(self._values, text))
        yield from self._wrong


def root_of(step: Values) -> Any:
    """A step as a value with a place."""
    return root(lined(step))


def _excused(values: Values, text: str) -> bool:
    """What nobody can help: a server that refuses one member of a cycle, and what others do to a branch unnoticed."""
    foreign = any("push" in step or "submit" in step for step in values["steps"])
    if text.startswith("only a part of a cycle"):
        refuses = any(change.get("submit", "ok") != "ok" for change in values["changes"].values())
        return refuses or foreign or any("set" in step for step in values["steps"])
    return "without a green" in text and foreign and not dice.has(values["policy"], "verify")
