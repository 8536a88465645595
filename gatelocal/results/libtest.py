"""What ``cargo test`` prints (Rust's libtest) as tests with outcomes; lines that are none of its are passed over."""

from __future__ import annotations

import re

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.stream import Stream, shortened

_PROGRAM = re.compile(r"\s*Running (?:unittests )?\S+ \((?:\S*/)?([^/()]+?)(?:-[0-9a-f]{16})?(?:\.exe)?\)$")
_DOCTESTS = re.compile(r"\s*Doc-tests (\S+)$")
_RUNNING = re.compile(r"running (\d{1,9}) tests?$")
_TEST = re.compile(r"test (.{1,1000}?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)(?:, (.*))?(?: <[\d.]+s>)?$")
_DETAILS = re.compile(r"---- (.{1,1000}?) (?:stdout|stderr) ----$")
_RESULT = re.compile(r"test result: (?:ok|FAILED)\. (\d{1,9}) passed; (\d{1,9}) failed; (\d{1,9}) ignored;")
_BAD = re.compile(r"error: (?:could not compile |\w*test failed|\d+ targets? failed)")
_STATUS = {"ok": TestStatus.SUCCESS, "FAILED": TestStatus.FAILURE, "ignored": TestStatus.SKIP}
_LONGEST = 2000
_MOST_LINES = 400


class LibTest:
    """Reads the lines as they come."""

    def __init__(self) -> None:
        self._program = ""
        self._tests: dict[tuple[str, str], TestResult] = {}
        self._running: int | None = None
        self._count = 0
        self._details: dict[tuple[str, str], list[str]] = {}
        self._into: list[str] | None = None
        self._gone: list[str] = []
        self._bad = ""

    def line(self, text: str) -> None:
        """One line of the output."""
        text = text[:_LONGEST]
        if _BAD.match(text):
            self._bad = text
        if found := _PROGRAM.match(text) or _DOCTESTS.match(text):
            self._cut()
            self._program = found[1]
        elif found := _RUNNING.match(text):
            self._cut()
            self._running, self._count, self._into = int(found[1]), 0, None
        elif found := _RESULT.match(text):
            said = sum(int(number) for number in found.groups())
            self._count = max(self._count, said)
            self._cut()
        elif found := _TEST.match(text):
            self._count += 1
            key = (self._program, found[1])
            self._tests[key] = TestResult(_name(key), _STATUS[found[2]], None, shortened(found[3] or ""), key[0])
        elif found := _DETAILS.match(text):
            self._into = self._details.setdefault((self._program, found[1]), [])
        elif text == "failures:":
            self._into = None
        elif self._into is not None:
            self._into.append(text)
            del self._into[:-_MOST_LINES]

    def stream(self) -> Stream:
        """All that was told."""
        self._cut()
        tests = []
        for key, test in self._tests.items():
            words = shortened("\n".join(self._details.get(key, ()))) if test.failed else test.details
            tests.append(TestResult(test.name, test.status, None, words, test.classname))
        if self._bad and not any(test.failed for test in tests):
            tests.append(TestResult("cargo test", TestStatus.FAILURE, None, shortened(self._bad)))
        return Stream(tuple(tests), (), tuple(self._gone))

    def _cut(self) -> None:
        """What a program that has announced its tests has not told of them, once nothing more of it comes."""
        missing = (self._running or 0) - self._count
        if missing > 0:
            self._gone.append(f"{self._program or 'cargo test'}: {missing} of its {self._running} tests")
        self._running, self._count, self._into = None, 0, None


def _name(key: tuple[str, str]) -> str:
    return f"{key[0]}.{key[1]}" if key[0] else key[1]
