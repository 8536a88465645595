"""A store that lives as long as its process: for the simulator, which keeps it over the death of an engine."""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State


class MemoryStore:
    """Events, state and outgoing actions, kept together: what is in it was committed in one step.

    :ivar log: all events since the beginning; replaying them gives the state. Empty when `keep_log` is off.
    """

    def __init__(self, state: State, *, keep_log: bool = True) -> None:
        self.first = state
        self.state = state
        self.log: list[Event] = []
        self._keep = keep_log
        self._outbox: dict[int, Action] = {}

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        """See :class:`gatelocal.ports.Store`."""
        if self._keep:
            self.log.append(event)
        self.state = state
        for one in actions:
            self._outbox[one.id] = one
        for gone in ended:
            self._outbox.pop(gone, None)

    def done(self, action: int) -> None:
        """Record that an action without an answer was carried out."""
        self._outbox.pop(action, None)

    def outbox(self) -> tuple[Action, ...]:
        """The actions that may not have been carried out, or whose answer has not come, in their order."""
        return tuple(self._outbox.values())
