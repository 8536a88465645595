"""Actions that could not be carried out now: when they are tried again, and what must not overtake them.

It has no clock; whoever asks says what time it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatelocal.pipeline.actions import Action, CancelBuild, KeepNode, Report, ResumeBuild, StartBuild, Submit

FIRST, MOST = 1.0, 300.0
"""Seconds until the first try again, and at most between two; each wait is twice the one before."""


@dataclass(slots=True)
class _Waiting:
    action: Action
    due: float
    wait: float


class PutOff:
    """What is to be tried again."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}

    @property
    def due(self) -> float | None:
        """When the next one is to be tried; None: there is none."""
        return min((one.due for one in self._first()), default=None)

    def has_build(self, build: int) -> bool:
        """Whether that build is still to be begun."""
        return build in self._waiting and isinstance(self._waiting[build].action, StartBuild)

    def must_wait(self, action: Action) -> bool:
        """Whether the action would overtake one that comes before it.

        What one change is told, and its landing; and a build's beginning and end.
        """
        line = _line(action) if self._waiting else None
        return line is not None and any(line == _line(one.action) for one in self._waiting.values())

    def add(self, action: Action, now: float) -> None:
        """The action has failed, or must wait."""
        before = self._waiting.get(action.id)
        wait = FIRST if before is None else min(2 * before.wait, MOST)
        self._waiting[action.id] = _Waiting(action, now + wait, wait)

    def take(self, now: float) -> tuple[Action, ...]:
        """Those that are to be tried now, in the order in which they were wanted; each is taken out by :meth:`done`."""
        return tuple(one.action for one in self._first() if one.due <= now)

    def _first(self) -> Iterator[_Waiting]:
        """Those that come next: of what must not overtake one another, only the first."""
        lines: set[str] = set()
        for one in self._waiting.values():
            line = _line(one.action)
            if line not in lines:
                yield one
            if line is not None:
                lines.add(line)

    def done(self, action: int) -> None:
        """It was carried out, or is not wanted any more; what has waited for it alone is due at once."""
        gone = self._waiting.pop(action, None)
        line = None if gone is None else _line(gone.action)
        if gone is not None and line is not None:
            for one in self._waiting.values():
                if _line(one.action) == line:
                    one.due = min(one.due, gone.due)
                    break


def _line(action: Action) -> str | None:
    """What the action must stay in order with; None: nothing."""
    match action:
        case Report() | Submit():
            return f"change {action.ref.change}"
        case StartBuild():
            return f"build {action.id}"
        case CancelBuild() | ResumeBuild() | KeepNode():
            return f"build {action.build}"
        case _:
            return None
