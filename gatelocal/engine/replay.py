"""A log of events → the state it leads to: a bug report is a log file; nothing is carried out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gatelocal.pipeline.decide import decide
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store import log


def replay(state: State, events: Iterable[Event]) -> State:
    """The state after the events, from a state that was there before them."""
    for event in events:
        state, _ = decide(state, event)
    return state


def replay_file(path: Path) -> State:
    """The state at the end of a log file (see :mod:`gatelocal.store.log`).

    :raises gatelocal.store.codec.FormatError: it cannot be understood. :raises OSError: it cannot be read.
    """
    with path.open(encoding="utf-8") as file:
        first, events = log.read(file)
        return replay(first, events)
