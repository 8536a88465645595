"""When a pipeline's timers go off: Zuul's words for a time, in UTC; no clock is read here.

``minute hour day month weekday``, then perhaps ``second`` and ``jitter``; the week begins with Monday, which is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

from gatelocal.jobs.zuul.checks import listed

KEY = "timer"
"""What Zuul calls this source of events."""
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6), (0, 59))
_PIECE = re.compile(r"(\*|\d+(?:-\d+)?)(?:/(\d+))?")
_FAR = 366 * 9  # days, in which every date there is comes once, February 29th among them
_JITTER = 86400


@dataclass(frozen=True, slots=True)
class Timer:
    """A time that comes again and again.

    :ivar jitter: seconds by which each project's branch may be later, by chance.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    seconds: tuple[int, ...] = (0,)
    jitter: int = 0

    def after(self, when: datetime) -> datetime | None:
        """The next time that it goes off, later than that; None: there is no such date."""
        when = when.astimezone(UTC)
        midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
        for days in range(_FAR):
            day = midnight + timedelta(days=days)
            if day.day in self.days and day.month in self.months and day.weekday() in self.weekdays:
                for hour, minute, second in product(self.hours, self.minutes, self.seconds):
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found > when:
                        return found
        return None


def timer_of(text: str) -> Timer:
    """:raises ValueError: it is no such time; with a sentence that says why."""
    parts = text.split()
    if not 5 <= len(parts) <= 7:
        raise ValueError(f"{text!r} does not have the five to seven parts of a time")
    fields = [_field(part, low, high) for part, (low, high) in zip(parts[:6], _RANGES, strict=False)]
    jitter = _jitter(parts[6]) if len(parts) == 7 else 0
    return Timer(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5] if len(fields) > 5 else (0,), jitter)


def _jitter(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) > _JITTER:
        raise ValueError(f"{text!r} is no number of seconds up to {_JITTER}")
    return int(text)


def _field(text: str, low: int, high: int) -> tuple[int, ...]:
    found: set[int] = set()
    for piece in text.split(","):
        told = _PIECE.fullmatch(piece) if len(piece) < 20 else None
        if told is None:
            raise ValueError(f"{piece[:40]!r} is no part of a time")
        begin, end = (low, high) if told[1] == "*" else _bounds(told[1], high, stepped=told[2] is not None)
        step = int(told[2] or 1)
        if not low <= begin <= end <= high or step < 1:
            raise ValueError(f"{piece!r} is not within {low} and {high}")
        found.update(range(begin, end + 1, step))
    return tuple(sorted(found))


def _bounds(text: str, high: int, *, stepped: bool) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    return int(first), int(last) if dash else high if stepped else int(first)


def timers_of(body: Mapping[str, object]) -> Iterator[Timer | str]:
    """The timers of a pipeline's definition; of one that is none, why not."""
    triggers = body.get("trigger")
    for one in listed(triggers.get(KEY)) if isinstance(triggers, Mapping) else ():
        times = listed(one.get("time")) if isinstance(one, Mapping) else []
        if not times:
            yield "a timer names no time"
        for text in times:
            try:
                yield timer_of(str(text))
            except ValueError as error:
                yield str(error)
