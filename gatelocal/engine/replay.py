"""A log of events → the state it leads to: a bug report is a log file; nothing is carried out."""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.pipeline.decide import decide
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State


def replay(state: State, events: Iterable[Event]) -> State:
    """The state after the events, from a state that was there before them."""
    for event in events:
        state, _ = decide(state, event)
    return state
