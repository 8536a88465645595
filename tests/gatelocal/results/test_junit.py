"""JUnit XML that pytest wrote, and XML that nobody should trust."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.junit import parse
from gatelocal.results.stream import Stream, merged, shortened

MODULE = """
import pytest

def test_ok(): pass
def test_bad(): assert 1 == 2
@pytest.mark.skip(reason="no moon")
def test_skip(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.fixture
def broken(): raise KeyError("fixture")
def test_error(broken): pass
class TestGroup:
    @pytest.mark.parametrize("x", ["a", "<b>"])
    def test_inner(self, x): pass
"""


@pytest.mark.live
def test_a_file_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(MODULE)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=out.xml", "test_sample.py"]
    subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)
    found = parse((tmp_path / "out.xml").read_bytes())
    tests = {test.name: test for test in found.tests}
    assert {name: test.status for name, test in tests.items()} == {
        "test_sample.test_ok": TestStatus.SUCCESS,
        "test_sample.test_bad": TestStatus.FAILURE,
        "test_sample.test_skip": TestStatus.SKIP,
        "test_sample.test_expected": TestStatus.EXPECTED_FAILURE,
        "test_sample.test_error": TestStatus.FAILURE,
        "test_sample.TestGroup.test_inner[a]": TestStatus.SUCCESS,
        "test_sample.TestGroup.test_inner[<b>]": TestStatus.SUCCESS,
    }
    assert "assert 1 == 2" in tests["test_sample.test_bad"].details
    assert tests["test_sample.test_skip"].details == "no moon"
    assert tests["test_sample.test_ok"].seconds is not None


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite name="s"><testcase name="&a;"/></testsuite>'


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (BOMB.encode(), "document type"),
        (f'<?xml version="1.0" encoding="UTF-16"?>{BOMB}'.encode("utf-16"), "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        (b"<html><body/></html>", "not JUnit XML"),
        (b"<testsuite><testcase", "not JUnit XML"),
        (b"", "not JUnit XML"),
        (b"\xff\xfe\x00", "not JUnit XML"),
    ],
)
def test_what_is_not_to_be_trusted_is_a_note(data: bytes, note: str) -> None:
    found = parse(data)
    assert found.tests == ()
    assert note in found.notes[0]


def test_suites_within_suites() -> None:
    data = b"""<testsuites><testsuite name="o"><testcase name="a" classname="m" time="soon"/>
      <testsuite name="i"><testcase name="b"><failure>first</failure><error message="second"/></testcase></testsuite>
    </testsuite></testsuites>"""
    a, b = parse(data).tests
    assert (a.name, a.seconds, b.name) == ("m.a", None, "b")
    assert (b.status, b.details) == (TestStatus.FAILURE, "first\nsecond")


def test_a_test_in_two_streams_counts_once_and_its_failure_wins() -> None:
    good, bad = TestResult("a", TestStatus.SUCCESS), TestResult("a", TestStatus.FAILURE, details="x")
    other = TestResult("b", TestStatus.SKIP)
    assert merged([Stream((good, other)), Stream((bad,))]) == (bad, other)
    assert merged([Stream((bad,)), Stream((good,))]) == (bad,)


def test_long_details_keep_their_end() -> None:
    assert shortened("x" * 100_000 + "END").endswith("END")
    assert len(shortened("x" * 100_000)) < 66_000


@pytest.mark.parametrize("count", ['failures="3"', 'failures="2" errors="1"'])
@pytest.mark.parametrize("tag", ["testsuite", "testsuites"])
def test_failures_that_are_counted_and_not_named_are_failures(tag: str, count: str) -> None:
    found = parse(f'<{tag} tests="500" {count}><testcase name="a"/></{tag}>'.encode())
    (bad,) = (test for test in found.tests if test.failed)
    assert "of which it names none" in bad.details and count.split('"')[1] in bad.details
    named = parse(f'<{tag} {count}><testcase name="a"><failure/></testcase></{tag}>'.encode())
    assert [test.name for test in named.tests] == ["a"]
    assert not [
        test for test in parse(f'<{tag} failures="0"><testcase name="a"/></{tag}>'.encode()).tests if test.failed
    ]


def test_a_file_that_breaks_off_in_a_test_has_a_failure() -> None:
    cases = "".join(f'<testcase classname="c" name="t{number}"/>' for number in range(40))
    found = parse(f'<testsuite tests="500">{cases}<testcase classname="c" name="t41"><fail'.encode())
    assert [test.name for test in found.tests if test.failed] == ["(the test in which the file breaks off)"]
    assert len(found.tests) == 41
