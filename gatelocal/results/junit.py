"""JUnit XML as tests with outcomes, the way its many writers mean it; no entity is expanded and nothing is judged.

There is no standard. What is read beyond Ant's first schema: suites within suites, errors of a suite itself, states in
attributes (GoogleTest, CTest, behave), Surefire's repeated tests, pytest's expected failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.markup import Refused, read
from gatelocal.results.stream import Stream, shortened

_SUITES = ("testsuites", "testsuite")
_CASE = "testcase"
_BAD = ("failure", "error")
_SKIPPED = ("skipped", "disabled", "ignored")
_NOT_RUN = frozenset(
    "notrun disabled skipped skip ignored ignore untested suppressed pending todo inactive blocked deferred omitted"
    " excluded notapplicable notexecuted unexecuted notrunnable inconclusive".split()
)
_FAILED = frozenset("failed fail failure error errored broken crashed aborted timeout timedout undefined".split())
_STATES = ("status", "result", "outcome")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_LONGEST = 1e8  # seconds: three years
_CUT = "(the test in which the file breaks off)"
_NAMELESS = "(a test without a name)"

_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_COMMA = re.compile(r"\d+,\d+")
_PLAIN = re.compile(r"\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?|-0*\.?0*")


def parse(data: bytes) -> Stream:
    """Read a file; of one that is not JUnit XML, no test and a note. A broken place costs that place, and a note."""
    try:
        markup = read(data, _CASE)
    except Refused as error:
        return Stream(notes=(f"not JUnit XML: {error}",))
    roots = [root for root in markup.roots if root.tag in (*_SUITES, _CASE)]
    if not roots:
        what = f"it begins with {markup.roots[0].tag!r}"[:200] if markup.roots else "it has no element"
        return Stream(notes=("; ".join([f"not JUnit XML: {what}", *markup.notes]),))
    tests = [test for root in roots for test in _tests(root)]
    if markup.cut:
        tests.append(TestResult(_CUT, TestStatus.FAILURE, None, f"the file breaks off in {markup.cut} of its tests"))
    return Stream(tuple(tests), tuple(markup.notes))


def seconds(text: str | None) -> float | None:
    """A time as writers of all languages write it: ``1,234.5`` and ``0,5`` too; None for what is no time."""
    word = (text or "").strip()
    if _GROUPED.fullmatch(word) and not word.startswith("0"):
        word = word.replace(",", "")
    elif _COMMA.fullmatch(word):
        word = word.replace(",", ".")
    if not word or not _PLAIN.fullmatch(word):
        return None
    try:
        value = abs(float(word))
    except ValueError:
        return None
    return value if value < _LONGEST else None


def _tests(root: Element) -> Iterator[TestResult]:
    for element in root.iter():
        if element.tag == _CASE:
            yield _case(element)
        elif element.tag in _SUITES:
            yield from _suite(element)


def _suite(suite: Element) -> Iterator[TestResult]:
    """What a suite says of itself: that it could not be set up, say, which no test of it tells."""
    name = (suite.get("name") or "").strip() or "(a suite without a name)"
    took = seconds(suite.get("time"))
    bad = [child for child in suite if child.tag in _BAD]
    if bad:
        yield TestResult(name, TestStatus.FAILURE, took, _words(bad))
    elif any(child.tag in _SKIPPED for child in suite):
        yield TestResult(name, TestStatus.SKIP, took, _why([child for child in suite if child.tag in _SKIPPED]))
    elif (counted := _counted(suite)) and not _shows_a_failure(suite):
        yield TestResult(name, TestStatus.FAILURE, took, f"the suite counts {counted}, of which it names none")


def _counted(suite: Element) -> str:
    """How many failures and errors it says that it has, in words; empty when none."""
    found = {word: _number(suite.get(word)) for word in ("failures", "errors")}
    return " and ".join(f"{number} {word}" for word, number in found.items() if number)


def _shows_a_failure(suite: Element) -> bool:
    return any(one.tag in _BAD or one.get("status", "").lower() in _FAILED for one in suite.iter() if one is not suite)


def _case(case: Element) -> TestResult:
    classname = (case.get("classname") or case.get("class") or "").strip()
    own = (case.get("name") or "").strip()
    name = f"{classname}.{own}" if classname and own else classname or own or _NAMELESS
    status, details = _result(case)
    return TestResult(name, status, seconds(case.get("time")), details, classname if own else "")


def _result(case: Element) -> tuple[TestStatus, str]:
    bad = [child for child in case if child.tag in _BAD]
    if bad:
        return TestStatus.FAILURE, _words(bad)
    skipped = [child for child in case if child.tag in _SKIPPED]
    if skipped:
        expected = any("xfail" in (child.get("type") or "").lower() for child in skipped)
        return TestStatus.EXPECTED_FAILURE if expected else TestStatus.SKIP, _why(skipped)
    states = {re.sub(r"[^a-z]", "", (case.get(name) or "").lower()) for name in _STATES}
    if states & _FAILED:
        return TestStatus.FAILURE, ", ".join(f"{name} is {case.get(name)}" for name in _STATES if case.get(name))
    flagged = any((case.get(name) or "").lower() in _TRUE for name in _SKIPPED)
    if states & _NOT_RUN or flagged or (case.get("executed") or "").lower() in _FALSE:
        return TestStatus.SKIP, ""
    return TestStatus.SUCCESS, ""


def _words(results: list[Element]) -> str:
    """What failures say: the message stands first where the text does not repeat it."""
    said = []
    for result in results:
        text, message = "".join(result.itertext()).strip("\n"), (result.get("message") or "").strip()
        said.append("\n".join(part for part in ("" if message in text else message, text) if part))
    return shortened("\n".join(said))


def _why(results: list[Element]) -> str:
    first = results[0]
    return shortened(first.get("message") or first.text or "")


def _number(text: str | None) -> int:
    word = (text or "").strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0
