"""JUnit XML as tests with outcomes; a document type or an entity is refused before anything is expanded."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.stream import Stream, shortened


def parse(data: bytes) -> Stream:
    """Read a file; of one that is not JUnit XML, no test and a note. Several results of one test: the worst counts."""
    try:
        _refuse_entities(data)
        root = ElementTree.fromstring(data)  # noqa: S314 (what could be unsafe has just been refused)
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        return Stream(notes=(f"not JUnit XML: {error}",))
    if root.tag not in ("testsuites", "testsuite"):
        return Stream(notes=(f"not JUnit XML: it begins with {root.tag!r}"[:200],))
    return Stream(tuple(_test(element) for element in root.iter("testcase")))


def _refuse_entities(data: bytes) -> None:
    """Stop at the first sign of a document type: what it defines could grow without bound or name other files."""

    def refuse(name: str, *_: object) -> None:
        raise ValueError(f"it has a document type ({name}), which is refused")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(data, True)


def _test(element: ElementTree.Element) -> TestResult:
    from junitparser import Error, Failure, Skipped, TestCase

    untyped: Any = TestCase
    case = untyped.fromelem(element)
    name = ".".join(part for part in (case.classname, case.name) if part) or "(a test without a name)"
    results = list(case.result or [])
    failed = [result for result in results if isinstance(result, (Failure, Error))]
    skipped = [result for result in results if isinstance(result, Skipped)]
    seconds = _seconds(element.get("time", ""))
    if failed:
        return TestResult(name, TestStatus.FAILURE, seconds, shortened("\n".join(_words(r) for r in failed)))
    if skipped:
        expected = "xfail" in str(skipped[0].type or "")
        status = TestStatus.EXPECTED_FAILURE if expected else TestStatus.SKIP
        return TestResult(name, status, seconds, shortened(skipped[0].message or skipped[0].text or ""))
    return TestResult(name, TestStatus.SUCCESS, seconds)


def _seconds(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _words(result: Any) -> str:
    return str(result.text or result.message or "")
