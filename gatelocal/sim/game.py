"""A scenario that is being played: the engine, its world, and all that follows from an event; no step is known here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Any, NoReturn

from gatelocal.engine.engine import Engine
from gatelocal.pipeline import invariants
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import (
    BuildDone,
    BuildPaused,
    Event,
    Looked,
    NodeAnswer,
    Prepared,
    ServerRead,
    Started,
    Submitted,
    Woken,
)
from gatelocal.pipeline.state import State
from gatelocal.ports import Store
from gatelocal.sim.audit import Audit
from gatelocal.sim.scenario import Scenario
from gatelocal.sim.world import Crashed, Endless, World

_FOUND_AGAIN = (Prepared, NodeAnswer, BuildPaused, BuildDone, Looked, Submitted, ServerRead)
"""Events that an engine gets by doing again what they answer; all others are still to be delivered when it is back."""


class Stopped(Exception):
    """A rule has ended with an exception: that is a violation, and nothing can be played any more."""


@dataclass(slots=True)
class Play:
    """A scenario that is being played.

    :ivar failed: expectations that did not hold. :ivar violations: what must never be and was.
    :ivar over: a rule has ended with an exception.
    :ivar decided: how many events were decided on. :ivar most: how many may be; 0 without a limit.
    :ivar reopen: what a new engine finds of the store that a dropped one has left.
    """

    scenario: Scenario
    world: World
    store: Store
    engine: Engine
    audit: Audit
    failed: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    reopen: Callable[[Store], Store] = lambda store: store
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    over: bool = False
    decided: int = 0
    most: int = 0

    @property
    def state(self) -> State:
        """The gate's."""
        return self.engine.state


def engine_of(game: Play) -> Engine:
    """An engine on what the store holds, whose every decision is checked."""

    def watch(before: State, event: Event, after: State, actions: tuple[Action, ...], touched: tuple[int, ...]) -> None:
        game.decided += 1
        if game.decided == game.most:
            raise Endless("it comes to no end")
        game.violations.extend(invariants.broken(before, event, after, actions, touched))
        game.violations.extend(game.audit.mistaken(actions))
        game.world.told(event)
        game.world.moment()

    return Engine(game.store, game.world, watch)


def feed(game: Play, event: Event) -> None:
    """Give the engine an event; if it is dropped on the way, another one is made from the store.

    :raises Stopped: a rule has ended with an exception.
    """
    try:
        game.world.moment()
    except Crashed:
        restart(game)
        if isinstance(event, _FOUND_AGAIN):
            return
    try:
        game.engine.feed(event)
        return
    except Crashed:
        pass
    except Exception as error:
        _ended(game, error)
    restart(game)


def restart(game: Play) -> None:
    """Make another engine from the store, which first does again what may not have been done."""
    while True:
        game.world.forget()
        game.store = game.reopen(game.store)
        game.engine = engine_of(game)
        try:
            game.engine.run()
            game.engine.feed(Started(game.world.now))
            return
        except Crashed:
            continue
        except Exception as error:
            _ended(game, error)


def _ended(game: Play, error: Exception) -> NoReturn:
    """Whatever a rule raises is a violation, and the end. :raises Stopped: it is. :raises Endless: that it was."""
    if isinstance(error, Endless):
        raise error
    game.violations.append(raised(error))
    game.over = True
    raise Stopped from error


def raised(error: Exception) -> str:
    """An exception as a violation: of what kind, and from which function of which module down to which."""
    frames = [(frame.f_globals.get("__name__", ""), frame.f_code.co_name) for frame, _ in walk_tb(error.__traceback__)]
    ours = [f"{module.rpartition('.')[2]}.{name}" for module, name in frames if module.startswith("gatelocal.")]
    return f"{' → '.join(ours[-3:])} ended with {type(error).__name__} ({error})"


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


def advance(game: Play, seconds: float) -> None:
    """Let time pass: builds end and the engine is woken, in order of time."""
    world = game.world
    end = world.now + seconds
    while True:
        points = [point for point in _points(game) if point is not None and point <= end]
        if not points:
            break
        world.now = max(world.now, min(points))
        settle(game)
        if world.wake and world.wake <= world.now:
            world.wake = 0.0
            feed(game, Woken(world.now))
            settle(game)
        if game.engine.due is not None and game.engine.due <= world.now:
            _again(game)
            settle(game)
    world.now = end
    settle(game)


def _points(game: Play) -> tuple[float | None, ...]:
    """When something happens by itself: a build ends, the engine is woken, or tries again what has failed."""
    return game.world.next_due(), game.world.wake or None, game.engine.due


def _again(game: Play) -> None:
    try:
        game.engine.again(game.world.now)
        return
    except Crashed:
        pass
    except Exception as error:
        _ended(game, error)
    restart(game)
