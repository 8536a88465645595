"""The loop of one gate: events of any thread wait in an inbox and are decided on one at a time; it has no rule."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from gatelocal.engine.engine import Engine
from gatelocal.model.record import replace
from gatelocal.pipeline.events import Event, Woken


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be done by the loop's thread, between two events."""

    do: Callable[[], None]


class Inbox:
    """Where events wait for their turn.

    :param clock: seconds, never going back; every event gets the time at which it is taken out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: SimpleQueue[Event | Call | BaseException] = SimpleQueue()
        self._since: deque[float] = deque()
        self._wake: float | None = None

    def put(self, event: Event | Call) -> None:
        """Add an event, or what is to be done between two; from any thread."""
        self._since.append(time.monotonic())
        self._waiting.put(event)

    def interrupt(self, error: BaseException) -> None:
        """Have the loop end with that error; from any thread."""
        self._waiting.put(error)

    def wake_at(self, at: float) -> None:
        """Have :class:`Woken` come at that time, in the place of any former wish; from the loop's thread."""
        self._wake = at

    @property
    def age(self) -> float:
        """How many seconds the first one that still waits has waited."""
        try:
            return time.monotonic() - self._since[0]
        except IndexError:
            return 0.0

    def now(self) -> float:
        """The time, as events are stamped with it."""
        return self._clock()

    def take(self, until: float | None = None) -> Event | Call | None:
        """The next event, however long that takes.

        :param until: a time after which nobody waits any longer; None is the answer then.
        :raises BaseException: what :meth:`interrupt` was called with.
        """
        first = min((at for at in (self._wake, until) if at is not None), default=None)
        left = None if first is None else max(first - self._clock(), 0.0)
        try:
            found = self._waiting.get(timeout=left)
        except Empty:
            if self._wake is None or (until is not None and until < self._wake):
                return None
            self._wake = None
            return Woken(self._clock())
        if isinstance(found, BaseException):
            raise found
        self._since.popleft()
        return found if isinstance(found, Call) else replace(found, at=self._clock())


def follow(engine: Engine, inbox: Inbox, over: Callable[[], bool]) -> None:
    """Decide on what comes until it is over. Errors as for :meth:`Inbox.take`."""
    engine.run()
    while not over():
        event = inbox.take(engine.due)
        if event is None:
            engine.again(inbox.now())
        elif isinstance(event, Call):
            event.do()
        else:
            engine.feed(event)
