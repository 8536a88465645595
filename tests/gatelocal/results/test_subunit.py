"""Streams that real test programs wrote."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.model.result import TestStatus
from gatelocal.results.subunit import parse

MODULE = """
import sys
import unittest


class Tests(unittest.TestCase):
    def test_ok(self):
        pass

    def test_bad(self):
        self.assertEqual("apple", "p\\u00e4r")

    def test_error(self):
        raise KeyError("gone")

    @unittest.skip("no moon")
    def test_skip(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail("as it should")

    @unittest.expectedFailure
    def test_surprise(self):
        pass


class Fixture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no database")

    def test_never(self):
        pass
"""


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tests")
    (folder / "sample.py").write_text(MODULE, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "subunit.run", "sample"], cwd=folder, capture_output=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout


def test_each_outcome_with_its_details(stream: bytes) -> None:
    found = parse(stream)
    tests = {test.name: test for test in found.tests}
    assert {name.rpartition(".")[2].rstrip(")"): test.status for name, test in tests.items()} == {
        "test_ok": TestStatus.SUCCESS,
        "test_bad": TestStatus.FAILURE,
        "test_error": TestStatus.FAILURE,
        "test_skip": TestStatus.SKIP,
        "test_expected": TestStatus.EXPECTED_FAILURE,
        "test_surprise": TestStatus.UNEXPECTED_SUCCESS,
        "Fixture": TestStatus.FAILURE,
    }
    assert found.notes == ()
    assert "'apple' != 'pär'" in tests["sample.Tests.test_bad"].details
    assert tests["sample.Tests.test_bad"].details.startswith("Traceback")
    assert tests["sample.Tests.test_skip"].details == "no moon"
    assert tests["sample.Tests.test_ok"].details == ""
    assert "no database" in tests["setUpClass (sample.Fixture)"].details
    assert 0 <= (tests["sample.Tests.test_ok"].seconds or -1) < 5


def test_a_truncated_stream_gives_what_could_be_read_and_says_so(stream: bytes) -> None:
    found = parse(stream[: stream.rindex(b"test_skip") + 3])
    whole = parse(stream).tests
    assert found.notes
    assert 0 < len(found.tests) < len(whole)
    assert found.tests[0] == whole[0]


def test_a_test_that_never_ended_failed(stream: bytes) -> None:
    from subunit import StreamResultToBytes

    sink = io.BytesIO()
    StreamResultToBytes(sink).status(test_id="a.b", test_status="inprogress", test_tags={"worker-1"})
    (test,) = parse(sink.getvalue()).tests
    assert (test.name, test.status) == ("a.b", TestStatus.FAILURE)
    assert "stream ends" in test.details


def test_garbage_is_a_note_and_never_an_exception(stream: bytes) -> None:
    dice = random.Random(7)  # noqa: S311
    assert parse(b"").notes
    assert parse(b"hello\nworld\n").tests == ()
    assert parse(b"hello\nworld\n").notes
    for _ in range(30):
        broken = bytearray(stream)
        for _ in range(20):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        found = parse(bytes(broken))
        assert found.tests or found.notes


def test_version_1_is_read_too() -> None:
    text = (
        "time: 2026-11-20 10:00:00.000000Z\ntest: a.b.c\ntime: 2026-11-20 10:00:02.500000Z\nsuccess: a.b.c\n"
        "test: a.b.d\nfailure: a.b.d [\nTraceback (most recent call last):\nAssertionError: no\n]\n"
        "test: a.b.e\nskip: a.b.e [\nlater\n]\n"
    )
    c, d, e = parse(text.encode()).tests
    assert (c.name, c.status, c.seconds) == ("a.b.c", TestStatus.SUCCESS, 2.5)
    assert (d.status, "AssertionError: no" in d.details) == (TestStatus.FAILURE, True)
    assert (e.status, e.details.strip()) == (TestStatus.SKIP, "later")


@pytest.mark.live
def test_a_stream_of_stestr(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / ".stestr.conf").write_text("[DEFAULT]\ntest_path=.\n")
    stestr = [sys.executable, "-m", "stestr.cli"]
    subprocess.run([*stestr, "run", "--serial"], cwd=tmp_path, capture_output=True, check=False)
    last = subprocess.run([*stestr, "last", "--subunit"], cwd=tmp_path, capture_output=True, check=False)
    names = {test.name: test.status for test in parse(last.stdout).tests}
    assert len(names) == 7, last.stderr
    assert names["test_sample.Tests.test_bad"] is TestStatus.FAILURE
