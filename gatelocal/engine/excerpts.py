"""The places of a build's log that a failure points at; the log is read once, in pieces, and never changed."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.executor.record import shown
from gatelocal.model.past import Excerpt
from gatelocal.model.result import TestResult
from gatelocal.model.text import LINE_LIMIT, plain

BEFORE, AFTER, LAST = 5, 25, 80
"""Lines around a test's failure, and at the log's end."""
MOST = 20
"""How many tests are looked for."""
READ = 1 << 28
"""Bytes of a log that are looked at: the first ones."""
_CHUNK = 1 << 20
_BAD = re.compile(r"FAIL|ERROR|Traceback")


@dataclass(slots=True)
class _Place:
    """Where a test is spoken of. :ivar sure: as one that has failed, and not by name alone."""

    first: int = 0
    mark: int = 0
    lines: list[str] = field(default_factory=list)
    sure: bool = False


def excerpts(path: Path, tests: Sequence[TestResult]) -> dict[str, Excerpt]:
    """A test's id → the place of the log where it is said that it failed, else where it is first spoken of.

    Under the empty name: the end of what is read. What is not found, or no plain file, is not in the answer.
    """
    sought = {name: one.name for one in reversed(tests[:MOST]) for name in (one.own_name, one.name)}
    words = "|".join(re.escape(name) for name in sorted(sought, key=len, reverse=True) if name)
    pattern = re.compile(rf"(?<![\w.])(?:{words})(?!\w)") if words else None
    places: dict[str, _Place] = {}
    before: deque[str] = deque(maxlen=BEFORE)
    end: deque[str] = deque(maxlen=LAST)
    number = 0
    for number, line in _lines(path):
        for place in places.values():
            if number <= place.mark + AFTER:
                place.lines.append(line)
        found = pattern.search(line) if pattern else None
        if found:
            bad = bool(_BAD.search(line))
            known = places.get(sought[found[0]])
            if known is None or (bad and not known.sure):
                places[sought[found[0]]] = _Place(number - len(before), number, [*before, line], bad)
        before.append(line)
        end.append(line)
    told = {name: Excerpt(one.first, tuple(one.lines), one.mark) for name, one in places.items()}
    return {**told, "": Excerpt(number - len(end) + 1, tuple(end))} if end else told


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file, safe to show, each with its number from 1."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    number, rest = 0, b""
    with os.fdopen(handle, "rb") as opened:
        left = READ
        while left > 0 and (data := opened.read(min(_CHUNK, left))):
            left -= len(data)
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                number += 1
                yield number, _clean(line)
            rest = rest[:LINE_LIMIT]  # of a line without end
    if rest:
        yield number + 1, _clean(rest)


def _clean(line: bytes) -> str:
    return shown(plain(line.decode("utf-8", "replace")))
