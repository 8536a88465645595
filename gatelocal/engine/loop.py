"""The loop of one gate: events of any thread wait in an inbox and are decided on one at a time; it has no rule."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue

from gatelocal.engine.engine import Engine
from gatelocal.model.evolve import replace
from gatelocal.pipeline.events import Event, Woken


class Inbox:
    """Where events wait for their turn.

    :param clock: seconds, never going back; every event gets the time at which it is taken out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: SimpleQueue[Event | BaseException] = SimpleQueue()
        self._wake: float | None = None

    def put(self, event: Event) -> None:
        """Add an event; from any thread."""
        self._waiting.put(event)

    def interrupt(self, error: BaseException) -> None:
        """Have the loop end with that error; from any thread."""
        self._waiting.put(error)

    def wake_at(self, at: float) -> None:
        """Have :class:`Woken` come at that time, in the place of any former wish; from the loop's thread."""
        self._wake = at

    def now(self) -> float:
        """The time, as events are stamped with it."""
        return self._clock()

    def take(self) -> Event:
        """The next event, however long that takes. :raises BaseException: what :meth:`interrupt` was called with."""
        while True:
            left = None if self._wake is None else max(self._wake - self._clock(), 0.0)
            try:
                found = self._waiting.get(timeout=left)
            except Empty:
                self._wake = None
                return Woken(self._clock())
            if isinstance(found, BaseException):
                raise found
            return replace(found, at=self._clock())


def follow(engine: Engine, inbox: Inbox, over: Callable[[], bool]) -> None:
    """Decide on what comes until it is over. Errors as for :meth:`Inbox.take`."""
    engine.run()
    while not over():
        engine.feed(inbox.take())
