"""The JSON lines of ``go test -json`` as tests with outcomes; lines that are none of its are passed over.

A package that fails and names no failed test (it was not built, its main function ended the process) counts as a test.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.stream import Stream, shortened
from gatelocal.results.texts import CUT

_ENDS = {"pass": TestStatus.SUCCESS, "fail": TestStatus.FAILURE, "skip": TestStatus.SKIP}
_NOISE = ("=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- ")
_UNBUILT = re.compile(r"FAIL\t(\S{1,1000}) \[((?:build|setup) failed)\]$")
_MOST_LINES = 200
_MOST_OPEN = 20_000
_LONGEST = 1e8

_Key = tuple[str, str]


class GoTest:
    """Reads the lines as they come."""

    def __init__(self) -> None:
        self._tests: list[TestResult] = []
        self._said: dict[_Key, deque[str]] = {}
        self._open: dict[_Key, None] = {}
        self._failed: set[str] = set()
        self._unbuilt: dict[str, str] = {}
        self._torn = False

    def line(self, text: str) -> None:
        """One line of the output."""
        if unbuilt := _UNBUILT.match(text):
            self._unbuilt[unbuilt[1]] = unbuilt[2]
        self._torn = False
        if not text.startswith("{"):
            return
        try:
            one = json.loads(text)
        except (ValueError, RecursionError):
            self._torn = text.startswith('{"')
            return
        if isinstance(one, dict) and isinstance(one.get("Action"), str):
            self._event(one)

    def stream(self) -> Stream:
        """All that was told; a test without an end has failed, a package without one has lost its others."""
        cut = [key for key in self._open if key[1]]
        tests = [*self._tests, *(self._result(key, TestStatus.FAILURE, None, CUT) for key in cut)]
        tests += [TestResult(name, TestStatus.FAILURE, None, why) for name, why in self._unbuilt.items()]
        gone = [f"{package} (the package)" for package, test in self._open if not test]
        gone += ["what would have come after its last line, which breaks off"] if self._torn else []
        return Stream(tuple(tests), (), tuple(gone))

    def _event(self, one: Mapping[str, object]) -> None:
        test = one.get("Test", "")
        package = one.get("Package", "") or one.get("ImportPath", "")
        if not isinstance(package, str) or not isinstance(test, str):
            return
        key = (package, test)
        match one["Action"]:
            case "start" | "run" if len(self._open) < _MOST_OPEN:
                self._open[key] = None
            case "build-fail":
                self._unbuilt[package] = "".join(self._said.get(key, ())) or "it could not be built"
            case "output" | "build-output":
                self._heard(key, str(one.get("Output", "")))
            case "pass" | "fail" | "skip" as word:
                self._open.pop(key, None)
                self._ended(key, _ENDS[word], one)
            case _:
                pass

    def _heard(self, key: _Key, text: str) -> None:
        if key in self._said or len(self._said) < _MOST_OPEN:
            self._said.setdefault(key, deque(maxlen=_MOST_LINES)).append(text)

    def _ended(self, key: _Key, status: TestStatus, one: Mapping[str, object]) -> None:
        package, test = key
        if status is TestStatus.FAILURE:  # it tells of it itself
            self._unbuilt.pop(str(one.get("FailedBuild", "")), None)
            self._unbuilt.pop(package, None)
        built = self._said.pop((str(one.get("FailedBuild", "")), ""), ())
        words = "".join((*built, *self._said.pop(key, ())))
        if test:
            kept = words if status is not TestStatus.SUCCESS else ""
            self._tests.append(self._result(key, status, _seconds(one.get("Elapsed")), kept))
            if status is TestStatus.FAILURE:
                self._failed.add(package)
        elif status is TestStatus.FAILURE and package not in self._failed:
            self._tests.append(TestResult(package, status, _seconds(one.get("Elapsed")), shortened(words)))

    @staticmethod
    def _result(key: _Key, status: TestStatus, took: float | None, words: str) -> TestResult:
        package, test = key
        lines = [line for line in words.splitlines() if not line.lstrip().startswith(_NOISE)]
        return TestResult(f"{package}.{test}", status, took, shortened("\n".join(lines)), package)


def _seconds(value: object) -> float | None:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LONGEST
    return float(value) if sane and isinstance(value, int | float) else None
