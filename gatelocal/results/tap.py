"""The Test Anything Protocol, with subtests as TAP 14 and Node have them, as tests; other lines are passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.stream import Stream, shortened

_POINT = re.compile(r"(not )?ok\b(?: +(\d{1,9})\b)?(.*)$")
_HASH = re.compile(r"(?<!\\)#")
_PLAN = re.compile(r"1\.\.(\d{1,9})(?: *# *(.*))?$")
_SUBTEST = re.compile(r"# Subtest: (.*)$")
_DIRECTIVE = re.compile(r"(skip\w*|todo)\b[: ]*(.*)", re.IGNORECASE)
_BAIL = re.compile(r"Bail out!\s*(.*)$")
_DURATION = re.compile(r"\s*duration_ms: ([\d.]{1,15})$")
_LONGEST = 2000
_MOST_LINES = 200
_MOST_DEEP = 50
_STEP = 4


@dataclass(slots=True)
class _Level:
    """The points at one depth, below one test. :ivar name: of the subtest that is open there."""

    count: int = 0
    planned: int | None = None
    name: str = ""
    below: int = 0
    bad_below: bool = False


@dataclass(slots=True)
class _Point:
    test: TestResult
    words: list[str] = field(default_factory=list)
    seconds: float | None = None


class Tap:
    """Reads the lines as they come."""

    def __init__(self) -> None:
        self._levels = [_Level()]
        self._points: list[_Point] = []
        self._block: tuple[_Point | None, str] | None = None
        self._last: _Point | None = None
        self._given_up = False

    def line(self, text: str) -> None:
        """One line of the output."""
        text = text[:_LONGEST].rstrip()
        if self._block is not None:
            self._in_block(text)
            return
        bare = text.lstrip(" ")
        spaces = len(text) - len(bare)
        if bare == "---" and self._last is not None:
            self._block = (self._last, " " * spaces)
            return
        if spaces % _STEP or spaces // _STEP > _MOST_DEEP:
            return
        self._told(bare, spaces // _STEP)

    def stream(self) -> Stream:
        """All that was told."""
        tests = tuple(
            TestResult(
                one.test.name,
                one.test.status,
                one.seconds,
                shortened("\n".join([one.test.details, *one.words])) if one.test.failed else one.test.details,
                one.test.classname,
            )
            for one in self._points
        )
        top = self._levels[0]
        missing = (top.planned or 0) - top.count
        gone = (f"{missing} of {top.planned} planned tests",) if missing > 0 else ()
        # A plan comes first or last, and is there in each that came to its end.
        if top.planned is None and top.count and not self._given_up:
            gone = ("what would have come before the plan, which is missing",)
        notes = ("more tests ran than were planned",) if top.planned is not None and missing < 0 else ()
        return Stream(tests, notes, gone)

    def _told(self, bare: str, depth: int) -> None:
        if found := _SUBTEST.match(bare):
            self._at(depth).name = found[1].strip()
        elif found := _PLAN.match(bare):
            self._at(depth).planned = int(found[1])
            if found[1] == "0" and depth == 0:
                self._add(TestResult("(all tests)", TestStatus.SKIP, None, found[2] or ""))
        elif found := _BAIL.match(bare):
            self._given_up = True
            self._add(TestResult("Bail out!", TestStatus.FAILURE, None, found[1]))
        elif found := _POINT.match(bare):
            self._point(found, depth)

    def _at(self, depth: int) -> _Level:
        """The level of that depth; those that are deeper are over."""
        del self._levels[depth + 1 :]
        while len(self._levels) <= depth:
            self._levels.append(_Level())
        return self._levels[depth]

    def _point(self, found: re.Match[str], depth: int) -> None:
        deeper = self._levels[depth + 1] if len(self._levels) > depth + 1 else _Level()
        level = self._at(depth)
        level.count += 1
        name, *directive = _HASH.split(found[3], maxsplit=1)
        own = name.strip().removeprefix("-").strip().replace("\\#", "#")
        own = own or level.name or f"test {found[2] or level.count}"
        parents = [one.name for one in self._levels[:depth] if one.name]
        classname = " > ".join(parents)
        status, why = _status(bool(found[1]), directive[0].strip() if directive else "")
        level.name = ""
        below = deeper.count > 0
        if below and (status is not TestStatus.FAILURE or deeper.bad_below):
            self._last = None  # its subtests speak for it
            level.bad_below = level.bad_below or status is TestStatus.FAILURE
            return
        level.bad_below = level.bad_below or status is TestStatus.FAILURE
        self._add(TestResult(f"{classname}.{own}" if classname else own, status, None, why, classname))

    def _add(self, test: TestResult) -> None:
        self._last = _Point(test)
        self._points.append(self._last)

    def _in_block(self, text: str) -> None:
        """A line of a point's block of YAML."""
        assert self._block is not None  # noqa: S101 - asked by the only caller
        point, indent = self._block
        if text == f"{indent}..." or (text and not text.startswith(indent)):
            self._block = None
            return
        if point is not None:
            if (took := _DURATION.match(text)) and took[1].count(".") < 2 and took[1] != ".":
                point.seconds = float(took[1]) / 1000
            elif len(point.words) < _MOST_LINES:
                point.words.append(text.removeprefix(indent))


def _status(bad: bool, directive: str) -> tuple[TestStatus, str]:
    found = _DIRECTIVE.match(directive)
    word, why = (found[1].lower(), found[2]) if found else ("", "")
    if word.startswith("skip"):
        return TestStatus.SKIP, why
    if word == "todo" and bad:
        return TestStatus.EXPECTED_FAILURE, why
    return (TestStatus.FAILURE if bad else TestStatus.SUCCESS), ""
