"""go test -json, cargo test and TAP, as the programs themselves print them, and what is broken of it."""

from __future__ import annotations

import json
import time
from typing import Protocol

import pytest

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results import report
from gatelocal.results.gotest import GoTest
from gatelocal.results.libtest import LibTest
from gatelocal.results.stream import Stream
from gatelocal.results.tap import Tap

# Go 1.26, shortened in times; package c cannot be built, b panics.
GO = r"""
go: downloading example.com/x v1.0.0
{"ImportPath":"example.com/m/c.test","Action":"build-output","Output":"c/c_test.go:2:13: expected ')', found '{'\n"}
{"ImportPath":"example.com/m/c.test","Action":"build-fail"}
{"Action":"start","Package":"example.com/m/c"}
{"Action":"output","Package":"example.com/m/c","Output":"FAIL\texample.com/m/c [setup failed]\n"}
{"Action":"fail","Package":"example.com/m/c","Elapsed":0,"FailedBuild":"example.com/m/c.test"}
{"Action":"start","Package":"example.com/m"}
{"Action":"start","Package":"example.com/m/b"}
{"Action":"run","Package":"example.com/m/b","Test":"TestDies"}
{"Action":"output","Package":"example.com/m/b","Test":"TestDies","Output":"=== RUN   TestDies\n"}
{"Action":"output","Package":"example.com/m/b","Test":"TestDies","Output":"--- FAIL: TestDies (0.00s)\n"}
{"Action":"run","Package":"example.com/m","Test":"TestGood"}
{"Action":"run","Package":"example.com/m","Test":"TestGood/sub/x"}
{"Action":"pass","Package":"example.com/m","Test":"TestGood/sub/x","Elapsed":0}
{"Action":"pass","Package":"example.com/m","Test":"TestGood","Elapsed":0.25}
{"Action":"run","Package":"example.com/m","Test":"TestBad"}
{"Action":"output","Package":"example.com/m","Test":"TestBad","Output":"    a_test.go:4: two is 3\n"}
{"Action":"fail","Package":"example.com/m","Test":"TestBad","Elapsed":0}
{"Action":"run","Package":"example.com/m","Test":"TestSkip"}
{"Action":"output","Package":"example.com/m","Test":"TestSkip","Output":"    a_test.go:5: not here\n"}
{"Action":"skip","Package":"example.com/m","Test":"TestSkip","Elapsed":0}
{"Action":"output","Package":"example.com/m","Output":"FAIL\texample.com/m\t0.005s\n"}
{"Action":"fail","Package":"example.com/m","Elapsed":0.005}
{"Action":"output","Package":"example.com/m/b","Test":"TestDies","Output":"panic: boom [recovered, repanicked]\n"}
{"Action":"fail","Package":"example.com/m/b","Test":"TestDies","Elapsed":0}
{"Action":"fail","Package":"example.com/m/b","Elapsed":0.006}
"""

# Rust 1.9x.
CARGO = """
   Compiling mycrate v0.1.0 (/tmp/rs)
     Running unittests src/lib.rs (target/debug/deps/mycrate-12c7f21386a5ffb0)

running 4 tests
test good ... ok
test bad ... FAILED
test panics - should panic ... ok
test slow ... ignored, takes long

failures:

---- bad stdout ----
hello

thread 'bad' (29939) panicked at src/lib.rs:2:39:
assertion `left == right` failed

failures:
    bad

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.09s

error: test failed, to rerun pass `--lib`
   Doc-tests mycrate

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""

# Node 20.
TAP = """
> app@1.0.0 test
TAP version 13
# Subtest: good
ok 1 - good
  ---
  duration_ms: 981.5
  ...
# Subtest: suite
    # Subtest: inner ok
    ok 1 - inner ok
      ---
      duration_ms: 0.129903
      ...
    # Subtest: inner bad
    not ok 2 - inner bad
      ---
      error: '1 == 2'
      ...
    1..2
not ok 2 - suite
  ---
  error: '1 subtest failed'
  ...
# Subtest: skipped
ok 3 - skipped # SKIP not here
not ok 4 - todo # TODO
not ok 5
ok 6 a \\# in it
1..6
# tests 8
"""


class Reader(Protocol):
    def line(self, text: str) -> None: ...

    def stream(self) -> Stream: ...


def read(reader: Reader, text: str) -> Stream:
    for line in text.splitlines():
        reader.line(line)
    return reader.stream()


def names(tests: tuple[TestResult, ...]) -> list[tuple[str, str]]:
    return [(test.name, test.status.value) for test in tests]


def test_go() -> None:
    stream = read(GoTest(), GO)
    assert names(stream.tests) == [
        ("example.com/m/c", "fail"),
        ("example.com/m.TestGood/sub/x", "success"),
        ("example.com/m.TestGood", "success"),
        ("example.com/m.TestBad", "fail"),
        ("example.com/m.TestSkip", "skip"),
        ("example.com/m/b.TestDies", "fail"),
    ]
    by_name = {test.name: test for test in stream.tests}
    assert by_name["example.com/m.TestGood"].seconds == 0.25
    assert by_name["example.com/m.TestBad"].details == "    a_test.go:4: two is 3"
    assert by_name["example.com/m.TestBad"].own_name == "TestBad"
    assert "expected ')'" in by_name["example.com/m/c"].details, "why it could not be built"
    assert by_name["example.com/m/b.TestDies"].details == "panic: boom [recovered, repanicked]"
    assert stream.never_ran == ()


def test_go_that_breaks_off_has_a_failed_test_and_a_package_that_never_ended() -> None:
    stream = read(GoTest(), "\n".join(GO.splitlines()[:-2]))
    assert ("example.com/m/b.TestDies", "fail") in names(stream.tests)
    assert stream.never_ran == ("example.com/m/b (the package)",)


def test_cargo() -> None:
    stream = read(LibTest(), CARGO)
    assert names(stream.tests) == [
        ("mycrate.good", "success"),
        ("mycrate.bad", "fail"),
        ("mycrate.panics", "success"),
        ("mycrate.slow", "skip"),
    ]
    assert stream.tests[1].details.splitlines()[0] == "hello"
    assert "left == right" in stream.tests[1].details
    assert stream.tests[3].details == "takes long"
    assert stream.never_ran == ()


@pytest.mark.parametrize("end", [7, 8])
def test_cargo_that_dies_has_tests_that_never_ran(end: int) -> None:
    stream = read(LibTest(), "\n".join(CARGO.splitlines()[:end]))
    assert len(stream.never_ran) == 1
    assert stream.never_ran[0] == f"mycrate: {4 - len(stream.tests)} of its 4 tests"


def test_tap() -> None:
    stream = read(Tap(), TAP)
    assert names(stream.tests) == [
        ("good", "success"),
        ("suite.inner ok", "success"),
        ("suite.inner bad", "fail"),
        ("skipped", "skip"),
        ("todo", "xfail"),
        ("test 5", "fail"),
        ("a # in it", "success"),
    ]
    assert stream.tests[0].seconds == 0.9815
    assert "error: '1 == 2'" in stream.tests[2].details
    assert stream.tests[3].details == "not here"
    assert (stream.never_ran, stream.notes) == ((), ())


NO_PLAN = ("what would have come before the plan, which is missing",)


@pytest.mark.parametrize(
    ("text", "found", "gone"),
    [
        ("1..3\nok 1\n", [("test 1", "success")], ("2 of 3 planned tests",)),
        ("1..0 # no driver\n", [("(all tests)", "skip")], ()),
        ("ok 1\nBail out! no database\n", [("test 1", "success"), ("Bail out!", "fail")], ()),
        ("# Subtest: s\n    ok 1 - a\n    1..1\nnot ok 1 - s\n", [("s.a", "success"), ("s", "fail")], NO_PLAN),
        ("okay then\nnothing ok\n 1..2\n", [], ()),
        ("ok 1 - a\n  ---\n  never closed\n", [("a", "success")], NO_PLAN),
        ("ok 1\nok 2\nnot o", [("test 1", "success"), ("test 2", "success")], NO_PLAN),
    ],
)
def test_tap_of_other_shapes(text: str, found: list[tuple[str, str]], gone: tuple[str, ...]) -> None:
    stream = read(Tap(), text)
    assert (names(stream.tests), stream.never_ran) == (found, gone)


@pytest.mark.parametrize("reader", [GoTest, LibTest, Tap])
@pytest.mark.parametrize(
    "line",
    [
        "ok" + " " * 60_000 + "x",
        "ok 1 " + "# " * 30_000,
        "test " + " ... " * 12_000,
        "Running a (" + "/x" * 30_000,
        '{"Action": ' + "[" * 50_000,
        '{"Action": "fail", "Package": 1, "Test": {}, "Elapsed": 1e999}',
        '{"Action": "fail", "Package": "p", "Test": "t", "Elapsed": "x", "Output": 3}',
        "test result: ok. " + "9" * 50_000,
        "1.." + "9" * 50_000,
        " " * 50_000 + "ok 1",
        "---- " + "\ud800" + " stdout ----",
    ],
)
def test_what_is_hostile_costs_little(reader: type[GoTest], line: str) -> None:
    one = reader()
    began = time.process_time()
    for _ in range(3):
        one.line(line)
    one.stream()
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (GO.encode(), 6),
        (CARGO.encode(), 4),
        (TAP.encode(), 7),
        (b'\xef\xbb\xbf<testsuite><testcase name="a"/></testsuite>', 1),
    ],
)
def test_a_file_is_known_by_what_stands_in_it(data: bytes, count: int) -> None:
    assert len(report.parse(data).tests) == count


@pytest.mark.parametrize(
    ("data", "note"),
    [(b"", "empty"), (b"\n \n", "empty"), (b"\x00\xff\xb3", "not known"), (b"all is well", "not known")],
)
def test_what_nobody_can_read_is_told(data: bytes, note: str) -> None:
    stream = report.parse(data)
    assert stream.tests == () and note in stream.notes[0]


def test_statuses_that_speak_against_the_change() -> None:
    assert [test.failed for test in read(Tap(), TAP).tests].count(True) == 2
    assert TestStatus.EXPECTED_FAILURE in {test.status for test in read(Tap(), TAP).tests}


@pytest.mark.parametrize(
    "text",
    [
        "FAIL\tq [build failed]\n" + json.dumps({"Action": "pass", "Package": "p", "Test": "TestA", "Elapsed": 0.1}),
        json.dumps({"Action": "build-fail", "ImportPath": "q"}),
    ],
)
def test_a_go_package_that_was_not_built_has_failed(text: str) -> None:
    assert [test.name for test in read(GoTest(), text).tests if test.failed] == ["q"]


def test_one_that_tells_so_itself_has_failed_once() -> None:
    text = "\n".join(
        json.dumps(one)
        for one in (
            {"Action": "build-output", "ImportPath": "q", "Output": "q.go:1: no"},
            {"Action": "build-fail", "ImportPath": "q"},
            {"Action": "fail", "Package": "q", "FailedBuild": "q"},
        )
    )
    assert [(test.name, test.details) for test in read(GoTest(), text).tests] == [("q", "q.go:1: no")]


def test_a_go_stream_that_breaks_off_in_a_line_lacks_what_would_have_come() -> None:
    whole = json.dumps({"Action": "pass", "Package": "p", "Test": "TestA", "Elapsed": 0.1})
    assert read(GoTest(), f"{whole}\n{whole[:30]}").never_ran
    assert not read(GoTest(), f"{whole}\n{{not json}}\n{whole}\n").never_ran


@pytest.mark.parametrize(
    "line", ["error: could not compile `x` (lib) due to 1 previous error", "error: test failed, to rerun pass `--lib`"]
)
def test_what_cargo_could_not_do_has_failed(line: str) -> None:
    good = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\n"
    assert [(one.name, one.details) for one in read(LibTest(), good + line).tests if one.failed] == [
        ("cargo test", line)
    ]
