"""All fingerprints at once against a log while it is read: where each is true; files are opened elsewhere.

One pattern that RE2 goes through once finds the places where any fingerprint could be true; only the events there are
taken apart. RE2 takes linear time whatever stands in a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from gatelocal.model.text import plain
from gatelocal.results.fingerprints.event import Event, Fields, true
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.needed import needed, pattern
from gatelocal.results.logs.joined import LONGEST, Form, end_of, form_of, said, start_of, text_of

ENOUGH = 100
"""Hits of one fingerprint in one build: it is not looked for any further then."""

_MEMORY = 64 << 20
_SHOWN = 500
_HEAD = 1 << 13
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")


@dataclass(frozen=True, slots=True)
class Hit:
    """A fingerprint that was true.

    :ivar file: the log. :ivar line: of the first event of which it was true, that with the words, counted from 1.
    :ivar text: that line, cleaned. :ivar count: events in all, at most :data:`ENOUGH`.
    """

    fingerprint: Fingerprint
    file: str
    line: int
    text: str
    count: int = 1


class _Found(Protocol):
    def start(self) -> int: ...


class _Search(Protocol):
    def search(self, text: bytes, pos: int, endpos: int) -> _Found | None: ...


class Matcher:
    """Fingerprints put together. :ivar refused: those that no word of a message is needed for: they fit any line."""

    def __init__(self, fingerprints: Iterable[Fingerprint]) -> None:
        self._engine = import_module("re2")
        self.fingerprints: list[Fingerprint] = []
        self.refused: list[Fingerprint] = []
        self._patterns: dict[bytes, list[int]] = {}
        for one in fingerprints:
            leaves = needed(one.query.asks)
            if not leaves:
                self.refused.append(one)
                continue
            for leaf in leaves:
                self._patterns.setdefault(pattern(leaf), []).append(len(self.fingerprints))
            self.fingerprints.append(one)
        self._owners = list(self._patterns.values())
        self._set = self._engine.Set.SearchSet(self._options())
        for each in self._patterns:
            self._set.Add(each)
        if self._patterns:
            self._set.Compile()

    def search(self, without: frozenset[int] = frozenset()) -> _Search | None:
        """The pattern for all but those; None when nothing is left to look for."""
        kept = [each for each, owners in self._patterns.items() if not without.issuperset(owners)]
        if not kept:
            return None
        found: _Search = self._engine.compile(b"|".join(kept), options=self._options())
        return found

    def true_of(self, event: Event, raw: bytes, without: frozenset[int]) -> list[int]:
        """The numbers of the fingerprints that are true of an event."""
        could = {number for which in self._set.Match(raw) or () for number in self._owners[which]} - without
        return [number for number in sorted(could) if true(self.fingerprints[number].query.asks, event)]

    def _options(self) -> object:
        options = self._engine.Options()
        options.encoding, options.case_sensitive = options.Encoding.LATIN1, False
        options.log_errors, options.never_capture, options.max_mem = False, True, _MEMORY
        return options


class Matching:
    """One build's logs. :ivar hits: those so far, each fingerprint once, in the order in which they came."""

    def __init__(self, matcher: Matcher, build: Fields) -> None:
        self.matcher = matcher
        self._build = build
        self._hits: dict[int, Hit] = {}
        self._done: frozenset[int] = frozenset()
        self.search = matcher.search()

    @property
    def hits(self) -> Sequence[Hit]:
        """Those so far."""
        return tuple(self._hits.values())

    def file(self, name: str, fields: Fields) -> Scanner:
        """The reader for one log. :param fields: of the file."""
        return Scanner(self, name, {**self._build, **fields})

    def look(self, name: str, place: tuple[int, str], raw: bytes, event: Event) -> None:
        """See which fingerprints are true of an event. :param place: the line with the words, from 1, and it."""
        for number in self.matcher.true_of(event, raw, self._done):
            known = self._hits.get(number)
            if known is None:
                one = self.matcher.fingerprints[number]
                self._hits[number] = Hit(one, name, *place)
                continue
            count = known.count + 1
            self._hits[number] = Hit(known.fingerprint, known.file, known.line, known.text, count)
            if count >= ENOUGH:
                self._done |= {number}
                self.search = self.matcher.search(self._done)


class Scanner:
    """Reads one log in pieces of any size. :ivar line: how many lines were read and looked through."""

    def __init__(self, matching: Matching, name: str, fields: Fields) -> None:
        self._matching, self._name, self._fields = matching, name, fields
        self._form: Form | None = None
        self._lines = b""
        self._tail = b""
        self.line = 0

    def feed(self, data: bytes) -> None:
        """The next piece."""
        data = self._tail + data
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > LONGEST:
            cut = len(data)
        self._tail = data[cut:]
        self._lines += _clean(data[:cut])
        if len(self._lines) < _HEAD:
            return
        form = self._known()
        end = start_of(self._lines, len(self._lines) - 1, form)
        lines, self._lines = self._lines[:end], self._lines[end:]
        self._through(lines, form)

    def finish(self) -> None:
        """There is no more."""
        lines = self._lines + _clean(self._tail)
        self._lines, self._tail = lines, b""
        if lines:
            self._through(lines, self._known())
        self._lines = b""

    def _known(self) -> Form:
        if self._form is None:
            self._form = form_of(self._lines)
        return self._form

    def _through(self, data: bytes, form: Form) -> None:
        """Look at the events that could be some fingerprint's."""
        at = counted = 0
        while self._matching.search is not None:
            found = self._matching.search.search(data, at, len(data))
            if found is None:
                break
            begin = max(start_of(data, found.start(), form), at)
            at = max(end_of(data, found.start(), form), found.start() + 1)
            self.line += data.count(b"\n", counted, begin)
            counted = begin
            raw = data[begin:at]
            event = said(raw, form)
            if event.first.kind == "own":
                continue  # what we say ourselves, such as the command, the job has not said
            fields = {**self._fields, **_of_event(event.first.module, event.first.level, event.first.unit)}
            place = (self.line + data.count(b"\n", begin, found.start()) + 1, _shown(data, found.start()))
            self._matching.look(self._name, place, raw, Event(event.message, fields))
        self.line += data.count(b"\n", counted)


def _of_event(module: str, level: str, unit: str) -> Mapping[str, tuple[str, ...]]:
    named = {"module": module, "loglevel": level, "syslog_program": unit}
    return {name: (value,) for name, value in named.items() if value}


def _clean(data: bytes) -> bytes:
    """Without what a terminal would obey."""
    return _ESCAPES.sub(b"", data) if b"\x1b" in data else data


def _shown(data: bytes, at: int) -> str:
    """The line that has the byte at that place, safe to show."""
    end = data.find(b"\n", at, at + _SHOWN)
    begin = max(data.rfind(b"\n", 0, at) + 1, at - _SHOWN)
    return plain(text_of(data[begin : end if end >= 0 else at + _SHOWN]))[:_SHOWN]
