"""What unittest and pytest print at their end → tests by name and by number; anything else is passed over."""

from __future__ import annotations

import re

from gatelocal.model.result import Counted, TestResult, TestStatus
from gatelocal.results.names import class_of, of_pytest
from gatelocal.results.stream import shortened

CUT = "the test run ends while this test runs"
"""What is said of a test that began and did not end."""

_MOST_LINES = 400
_MOST_TESTS = 10_000
_MOST_BLOCKS = 200


class UnittestText:
    """unittest's and Django's report, in which each failed test stands with its traceback between two rules.

    :ivar tests: those that failed. :ivar counted: the others. :ivar ended: the report came to its last line.
    :ivar told: how far it came, as a sentence, when it was cut off and names no test.
    """

    _RULE, _LINE = "=" * 70, "-" * 70
    _HEADER = re.compile(r"(?:FAIL|ERROR|UNEXPECTED SUCCESS): (.+)")
    _NAME = re.compile(r"(\S+) \(([^()\s]+)\)")
    _RAN = re.compile(r"Ran (\d+) tests? in [\d.]+s$")
    _RESULT = re.compile(r"(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$")

    def __init__(self) -> None:
        self.tests: list[TestResult] = []
        self.counted = Counted()
        self.ended = False
        self.told = ""
        self._name = ""
        self._details: list[str] | None = None
        self._ruled = False
        self._ran: int | None = None
        self._elsewhere = False

    def line(self, text: str) -> None:
        """One line of the output."""
        if text.startswith("Generating XML reports"):
            self._elsewhere = True
        if text == self._RULE:
            self._keep()
            self._ruled = True
        elif self._ruled:
            self._ruled = False
            header = self._HEADER.match(text)
            self._name = _unittest_id(header[1]) if header else ""
        elif text == self._LINE and self._name and self._details is None:
            self._details = []
        elif text == self._LINE:
            self._keep()
        elif self._details is not None:
            self._details.append(text)
            del self._details[:-_MOST_LINES]
        elif ran := self._RAN.match(text):
            self._keep()
            self._ran, self.ended = int(ran[1]), True
        elif self._ran is not None and (result := self._RESULT.match(text)):
            self._count(self._ran, result[1] or "")
            self._ran = None

    def finish(self) -> None:
        """There is no further line."""
        self._keep()

    def _keep(self) -> None:
        if self._name and len(self.tests) < _MOST_TESTS:
            details = shortened("\n".join(self._details or ()))
            known = next((at for at, one in enumerate(self.tests[-50:]) if one.name == self._name), None)
            if known is None:  # failing subtests of one test are one test, as in subunit
                self.tests.append(TestResult(self._name, TestStatus.FAILURE, None, details, class_of(self._name)))
        self._name, self._details = "", None

    def _count(self, ran: int, words: str) -> None:
        told = {name: int(number) for name, number in re.findall(r"([a-z ]+)=(\d+)", words)}
        told = {name.strip(): number for name, number in told.items()}
        bad = sum(told.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
        skipped = told.get("skipped", 0)
        if not self._elsewhere:
            passed = self.counted.passed + max(0, ran - bad - skipped)
            self.counted = Counted(passed, self.counted.skipped + skipped)


def _unittest_id(header: str) -> str:
    """``test (a.B.test)`` of Python 3.11 and later, ``test (a.B)`` before: ``a.B.test``. Fixtures stay as they are."""
    found = UnittestText._NAME.match(header)
    if found is None or found[1] in ("setUpClass", "tearDownClass", "setUpModule", "tearDownModule"):
        return found[0] if found else header[:500]
    name, where = found[1], found[2]
    return where if where.endswith(f".{name}") else f"{where}.{name}"


class PytestText:
    """pytest's short summary, tracebacks and last line; its progress, when that is all that there is.

    The attributes are those of :class:`UnittestText`.
    """

    _HEADER = re.compile(r"_{2,} (?:ERROR (?:at (?:setup|teardown) of|collecting) )?(.+?) _{2,}$")

    _BAD = re.compile(r"(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - (.*))?$")
    _WHOLE = re.compile(r"^[.a-zA-Z]+ +\[(?:100%|(\d+)/\1)\]$")
    # What -v tells of a test, before and after it ran, and what xdist tells of it.
    _VERDICT = re.compile(r"(\S+\.py::\S.*?)(?: +(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*)? *$")
    _WORKERS = re.compile(r"\[gw\d+\] \[ *\d+%\] ([A-Z]+) (\S+\.py::\S.*?) *$")
    _DOTS = re.compile(r"(?:(\S+\.py) )?([.FEsxX]+)(?: +\[ *\d+%\])?$")
    _END = re.compile(r"(?:=+ )?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+s\b")

    def __init__(self) -> None:
        self.tests: list[TestResult] = []
        self.counted = Counted()
        self.ended = False
        self.told = ""
        self._verdicts: dict[str, str] = {}
        self._file, self._dots = "", ""
        self._summary = False
        self._blocks: dict[str, list[str]] = {}
        self._block: list[str] | None = None

    def line(self, text: str) -> None:
        """One line of the output."""
        if text.startswith("==="):
            self._block = None
        if header := self._HEADER.match(text):
            self._block = self._blocks.setdefault(header[1], []) if len(self._blocks) < _MOST_BLOCKS else None
        elif self._block is not None:
            self._block.append(text)
            del self._block[:-_MOST_LINES]
        elif "short test summary info" in text:
            self._summary = True
        elif self._WHOLE.search(text):  # quieter than quiet, it says no more than this
            self.ended = True
        elif self._summary and (bad := self._BAD.match(text)) and len(self.tests) < _MOST_TESTS:
            name, classname = of_pytest(bad[1])
            within = ".".join(bad[1].split("::")[1:]) or bad[1]
            details = shortened("\n".join(self._blocks.get(within, ()))) or bad[2] or ""
            self.tests.append(TestResult(name, TestStatus.FAILURE, None, details, classname))
        elif end := self._END.match(text):
            self.ended = True
            told = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", end[1])}
            passed = sum(told.get(word, 0) for word in ("passed", "xfailed", "xpassed"))
            self.counted = Counted(passed, told.get("skipped", 0))
        elif not self._summary and len(self._verdicts) < _MOST_TESTS:
            self._progress(text)

    def _progress(self, text: str) -> None:
        if worker := self._WORKERS.match(text):
            self._verdicts[worker[2]] = worker[1]
        elif verdict := self._VERDICT.match(text):
            self._verdicts[verdict[1]] = verdict[2] or ""
        elif dots := self._DOTS.match(text):
            self._file = dots[1] or self._file
            self._dots = f"{self._dots}{dots[2]}"[-_MOST_TESTS:]

    def finish(self) -> None:
        """There is no further line."""
        if self.ended or self._summary:
            return
        for node, verdict in self._verdicts.items():
            if verdict in ("FAILED", "ERROR", ""):
                name, classname = of_pytest(node)
                within = ".".join(node.split("::")[1:])
                details = shortened("\n".join(self._blocks.get(within, ()))) if verdict else CUT
                self.tests.append(TestResult(name, TestStatus.FAILURE, None, details, classname))
        passed = sum(verdict in ("PASSED", "XFAIL", "XPASS") for verdict in self._verdicts.values())
        self.counted = Counted(passed, list(self._verdicts.values()).count("SKIPPED"))
        if self._dots:
            bad = self._dots.count("F") + self._dots.count("E")
            where = f" in {self._file}" if self._file else ""
            self.told = f"pytest had told of {len(self._dots)} tests, {bad} of them failed, the last{where}"
