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
from tests.patience import LONG

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
    assert 0 <= (tests["sample.Tests.test_ok"].seconds or -1) < LONG


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


def version_2(*events: dict[str, object], noise: bytes = b"") -> bytes:
    """A stream of python-subunit's own writer, with noise before each packet."""
    from subunit import StreamResultToBytes

    whole = b""
    for event in events:
        sink = io.BytesIO()
        StreamResultToBytes(sink).status(**event)
        whole += noise + sink.getvalue()
    return whole


def test_version_1_with_letters_that_have_a_byte_of_version_2() -> None:
    text = "test: a.B.test_ó (x)\nfailure: a.B.test_ó (x) [\nó ³ \u0133 \n]\ntest: a.B.d\nsuccess: a.B.d\n"
    o, d = parse(text.encode()).tests
    assert (o.name, o.classname, o.status) == ("a.B.test_ó (x)", "a.B", TestStatus.FAILURE)
    assert (d.name, d.status) == ("a.B.d", TestStatus.SUCCESS)


def test_listed_and_never_ran() -> None:
    exists = [{"test_id": f"a.B.{name}", "test_status": "exists"} for name in "xyz"]
    data = version_2(*exists, {"test_id": "a.B.x", "test_status": "success"})
    assert parse(data).never_ran == ("a.B.y", "a.B.z")
    skipped = {"test_id": "setUpClass (a.B)", "test_status": "skip"}
    assert parse(version_2(*exists, skipped)).never_ran == ()


def test_garbage_between_packets_costs_no_test() -> None:
    events = [{"test_id": f"a.B.{name}", "test_status": "success"} for name in "xyz"]
    found = parse(version_2(*events, noise=b"printed \xff\xfe by a test\n"))
    assert [test.name for test in found.tests] == ["a.B.x", "a.B.y", "a.B.z"]


def test_the_same_id_twice_is_there_twice() -> None:
    events = [{"test_id": "a.B.x", "test_status": word} for word in ("success", "fail")]
    assert [test.status.value for test in parse(version_2(*events)).tests] == ["success", "fail"]


def test_a_huge_attachment_hides_no_traceback() -> None:
    log = [
        {"test_id": "a.B.x", "file_name": "pythonlogging", "mime_type": "text/plain", "file_bytes": b"l" * 1_000_000}
    ] * 5
    trace = {"file_name": "traceback", "mime_type": "text/x-traceback", "file_bytes": b"t" * 200_000 + b"END"}
    (test,) = parse(version_2(*log, {"test_id": "a.B.x", "test_status": "fail", **trace})).tests
    assert test.details.endswith("tEND")
    assert len(test.details) < 70_000


def test_what_a_program_printed_beside_its_tests_is_none() -> None:
    text = b"test: testtools.extradata\nsuccess: testtools.extradata\ntest: a.B.x\nsuccess: a.B.x\n"
    assert [test.name for test in parse(text).tests] == ["a.B.x"]


def test_a_clock_that_goes_back_tells_no_time() -> None:
    text = "time: 2026-11-20 10:00:05Z\ntest: a.B.c\ntime: 2026-11-20 10:00:02Z\nsuccess: a.B.c\n"
    assert [test.seconds for test in parse(text.encode()).tests] == [None]


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
