"""The end of a run, for people and for programs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from gatelocal.errors import CONFIGURATION, FAILED, INCOMPLETE, MACHINERY, PASSED
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.deviation import Deviation, Grade
from gatelocal.model.diagnosis import Cause, Diagnosis, KnownBug, NewLine, Sure
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Counted, Outcome, TestResult, TestStatus, Try
from gatelocal.model.run import Base, RunResult
from gatelocal.reporter.machine import as_json, as_junit
from gatelocal.reporter.summary import elapsed, job_line, summary
from gatelocal.results.history import records_of
from gatelocal.results.junit import parse

BELOW = Change("acme/lib", "master", "b" * 40, "lib: new call", ChangeStatus.NEW, None, 12, 3, None, "http://g/12")
CHANGE = Change("acme/app", "master", "a" * 40, "app: use \x1b[31mthe call\n\nDepends-On: http://g/12")
TRACEBACK = (
    "Traceback (most recent call last):\n" + "\n".join(f"  line {n}" for n in range(40)) + "\nAssertionError: 1 != 2"
)
BAD = TestResult("app.tests.T.test_bad", TestStatus.FAILURE, 0.5, TRACEBACK, "app.tests.T")
GOOD = TestResult("app.tests.T.test_ok", TestStatus.SUCCESS, 0.1, "", "app.tests.T")
UNIT = BuildResult("app-py3", Outcome.FAILURE, 65.2, tests=(GOOD, BAD))
OTHERWISE = Deviation("base-job", "the site's job base is not here")
LINT = BuildResult("app-lint", Outcome.SUCCESS, 7)
ELSEWHERE = Job("app-tempest", run=False, rule="undefined", reason="parent devstack is defined elsewhere")
FILTERED = Job("docs", run=False, rule="files", reason="")
WRONG = Job("app-final", run=False, rule="error", reason="error: its parent is final")
RUN = RunResult(
    change=CHANGE,
    pipeline="gate",
    builds=(LINT, UNIT),
    dependencies=(BELOW,),
    bases=(Base("acme/lib", "master", "c" * 40),),
    node="a container",
    node_reason="no acceleration here",
    not_run=(ELSEWHERE,),
    notes=("the node is debian-12, the job asks for ubuntu-noble",),
    logs="/x/logs",
    seconds=90,
)


THOUGHT = Diagnosis(
    Cause.KNOWN,
    Sure.LIKELY,
    "bug 1234567: it \x1b[31mhangs",
    ("a.log:7: it hangs",),
    (KnownBug("1234567", "it hangs", "https://bugs.example/7", "a.log", 7, "it hangs", 2),),
    (NewLine("a.log", 9, "worst <b>", 9), NewLine("a.log", 7, "it \x1b]0;title\x07hangs", 8)),
)


def test_it_is_told_whose_fault_a_failure_is_thought_to_be() -> None:
    run = replace(RUN, builds=(LINT, replace(UNIT, diagnosis=THOUGHT)))
    lines = summary(run)
    at = lines.index("    known bug (likely): bug 1234567: it hangs")
    assert lines[at + 1 : at + 5] == [
        "      seen: a.log:7: it hangs",
        "      bug 1234567 https://bugs.example/7",
        "    look at a.log:7 first: it hangs",
        "    a recheck makes sense",
    ]
    assert lines[-1] == summary(RUN)[-1]
    found = json.loads(json.dumps(as_json(run)))["builds"][1]["diagnosis"]
    assert (found["cause"], found["confidence"], found["recheck"], found["first"]["line"]) == (
        "known bug",
        "likely",
        True,
        7,
    )
    assert [one["bug"] for one in found["bugs"]] == ["1234567"]
    assert json.loads(json.dumps(as_json(run)))["builds"][0]["diagnosis"] is None


def test_everything_that_a_person_asks_is_in_it() -> None:
    lines = summary(RUN)
    text = "\n".join(lines)
    assert lines[0] == "change: acme/app aaaaaaaaaa app: use the call"
    assert "  depends on: acme/lib 12,3 lib: new call <http://g/12>" in lines
    assert "  onto: acme/lib master cccccccccccc" in lines
    assert "node: a container (no acceleration here)" in lines
    assert "- app-lint : SUCCESS in 7s" in lines
    assert "- app-py3 : FAILURE in 1m 05s" in lines
    assert "    2 tests, 1 failed" in lines
    assert "- app-tempest : not run: parent devstack is defined elsewhere" in lines
    assert "app-py3: app.tests.T.test_bad" in lines
    assert "    AssertionError: 1 != 2" in lines
    assert "  line 2\n" not in text
    assert "logs: /x/logs" in lines
    assert lines[-1] == (
        "FAIL: acme/app aaaaaaaaaa fails app-py3 in 1m 30s; besides, 1 job could not be run here (1 defined elsewhere)"
    )
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (59.6, "1m 00s"), (125, "2m 05s"), (3723, "1h 02m 03s"), (7200, "2h 00m 00s")]
)
def test_durations_are_zuuls(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def test_a_job_line_with_link_and_mark() -> None:
    line = job_line(replace(UNIT, voting=False), "http://l/1")
    assert line == "- app-py3 http://l/1 : FAILURE in 1m 05s (non-voting)"


def build(outcome: Outcome, voting: bool = True) -> BuildResult:
    return BuildResult("j", outcome, 1, voting)


@pytest.mark.parametrize(
    ("builds", "not_run", "code", "begins"),
    [
        ([build(Outcome.SUCCESS)], [], PASSED, "PASS: "),
        ([build(Outcome.SUCCESS), build(Outcome.FAILURE, voting=False)], [], PASSED, "PASS: "),
        ([build(Outcome.FAILURE, voting=False)], [], PASSED, "PASS: "),
        ([build(Outcome.NODE_FAILURE), build(Outcome.TIMED_OUT)], [ELSEWHERE], FAILED, "FAIL: "),
        ([build(Outcome.SUCCESS), build(Outcome.CONFIG_ERROR)], [], CONFIGURATION, "NO VERDICT: "),
        ([build(Outcome.DISK_FULL)], [ELSEWHERE], MACHINERY, "NO VERDICT: "),
        ([build(Outcome.POST_FAILURE)], [], MACHINERY, "NO VERDICT: "),
        ([build(Outcome.SUCCESS), build(Outcome.NODE_FAILURE)], [], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.SUCCESS), build(Outcome.ERROR)], [], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.SUCCESS), build(Outcome.NODE_FAILURE, voting=False)], [], PASSED, "PASS: "),
        ([build(Outcome.NODE_FAILURE, voting=False)], [], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.FAILURE), build(Outcome.SKIPPED)], [], FAILED, "FAIL: "),
        ([build(Outcome.FAILURE), build(Outcome.ABORTED)], [], FAILED, "FAIL: "),
        ([build(Outcome.RETRY_LIMIT), build(Outcome.SKIPPED)], [], MACHINERY, "NO VERDICT: "),
        ([build(Outcome.SUCCESS), build(Outcome.RETRY_LIMIT), build(Outcome.SKIPPED)], [], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.SUCCESS), build(Outcome.SKIPPED)], [], PASSED, "PASS: "),
        ([build(Outcome.SKIPPED)], [], INCOMPLETE, "INCOMPLETE: "),
        ([], [ELSEWHERE], INCOMPLETE, "INCOMPLETE: "),
        ([], [WRONG], CONFIGURATION, "NO VERDICT: "),
        ([], [FILTERED], INCOMPLETE, "INCOMPLETE: "),
        ([], [], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.SUCCESS)], [FILTERED], PASSED, "PASS: "),
        ([build(Outcome.SUCCESS)], [ELSEWHERE], INCOMPLETE, "INCOMPLETE: "),
        ([build(Outcome.SUCCESS)], [replace(ELSEWHERE, voting=False)], PASSED, "PASS: "),
    ],
)
def test_verdicts(builds: list[BuildResult], not_run: list[Job], code: int, begins: str) -> None:
    run = replace(RUN, builds=tuple(builds), not_run=tuple(not_run))
    assert run.verdict.exit_code == code
    assert summary(run)[-1].startswith(begins)


def test_a_skipped_job_is_no_pass_and_no_failure() -> None:
    skipped = BuildResult("late", Outcome.SKIPPED, 0, reason="early did not succeed")
    run = replace(RUN, builds=(build(Outcome.SUCCESS), build(Outcome.RETRY_LIMIT), skipped), not_run=())
    lines = summary(run)
    assert "- late : SKIPPED in 0s" in lines and "    early did not succeed" in lines
    assert "1 of 3 jobs ran and passed" in lines[-1]
    assert lines[-1].endswith("1 job could not be run here (1 RETRY_LIMIT), 1 job skipped")
    assert {test.name: test.status for test in parse(as_junit(run)).tests}["late"] is TestStatus.SKIP


def test_what_could_not_be_run_is_counted_and_said_why() -> None:
    lost = BuildResult("app-node", Outcome.NODE_FAILURE, 3)
    last = summary(replace(RUN, builds=(LINT, lost), not_run=(ELSEWHERE, ELSEWHERE, FILTERED)))[-1]
    assert last == (
        "INCOMPLETE: acme/app aaaaaaaaaa: 1 of 4 jobs ran and passed in 1m 30s;"
        " 3 jobs could not be run here (2 defined elsewhere, 1 NODE_FAILURE)"
    )


def test_machinery_is_nothing_that_a_change_fails() -> None:
    lost = BuildResult("app-node", Outcome.NODE_FAILURE, 3)
    last = summary(replace(RUN, builds=(UNIT, lost), not_run=()))[-1]
    assert last == (
        "FAIL: acme/app aaaaaaaaaa fails app-py3 in 1m 30s; besides, 1 job could not be run here (1 NODE_FAILURE)"
    )


def test_no_job_at_all_is_no_pass() -> None:
    run = replace(RUN, builds=(), not_run=(FILTERED,))
    assert summary(run)[-1] == (
        "INCOMPLETE: acme/app aaaaaaaaaa: no job of the gate pipeline runs for it, so nothing was tested"
        " (1 job left out: 1 by files); Zuul would neither vote nor merge"
    )
    assert summary(replace(run, chosen=True, unasked=12))[-1] == (
        "INCOMPLETE: acme/app aaaaaaaaaa: no job that was asked for runs for it, so nothing was tested"
        " (1 job left out: 1 by files); a part: 12 other jobs of the gate pipeline not asked for"
    )


def test_whoever_chose_jobs_gets_their_verdict_and_hears_that_it_was_a_part() -> None:
    run = replace(RUN, builds=(LINT,), not_run=(), chosen=True, unasked=16)
    assert run.verdict.exit_code == PASSED
    assert summary(run)[-1] == (
        "PASS: acme/app aaaaaaaaaa passes 1 job in 1m 30s; a part: 16 other jobs of the gate pipeline not asked for"
    )
    quiet = replace(run, builds=(replace(UNIT, voting=False),))
    assert quiet.verdict.exit_code == FAILED


def test_json_can_be_written_and_names_the_failing_test() -> None:
    value = json.loads(json.dumps(as_json(RUN)))
    assert (value["verdict"], value["exit_code"], value["change"]["subject"][:8]) == ("fails", 1, "app: use")
    assert value["builds"][1]["failures"][0]["name"] == "app.tests.T.test_bad"
    assert value["not_run"][0]["rule"] == "undefined"


def test_junit_can_be_read_back() -> None:
    broken = BuildResult("app-node", Outcome.NODE_FAILURE, 3, reason="the node is gone\x00")
    odd = TestResult("setUpClass (a.B)", TestStatus.SKIP, None, "no <db>\x1b")
    tests = {
        test.name: test
        for test in parse(as_junit(replace(RUN, builds=(*RUN.builds, broken, replace(LINT, tests=(odd,)))))).tests
    }
    assert tests["app.tests.T.test_bad"].details.endswith("AssertionError: 1 != 2")
    assert tests["app-node"].failed
    assert tests["setUpClass (a.B)"].details == "no <db>"


ODD = (
    TestResult("pkg.test_v.test_v[1.5]", TestStatus.FAILURE, math.nan, "t", "pkg.test_v"),
    TestResult("pkg.test_v.test_v[http://a.example/b.html]", TestStatus.SUCCESS, math.inf, "", "pkg.test_v"),
    TestResult("a.b.c", TestStatus.SUCCESS, -1.0, "", "a"),
    TestResult("a.b.C.test (x=1.5)", TestStatus.SKIP, None, "no", "a.b.C"),
)


def test_what_is_left_of_a_former_run_is_no_pass_of_the_change() -> None:
    run = replace(RUN, builds=(LINT,), not_run=(), chosen=True, unasked=1, part=True)
    assert run.verdict.exit_code == INCOMPLETE
    assert summary(run)[-1] == (
        "INCOMPLETE: acme/app aaaaaaaaaa: 1 of 1 job ran and passed in 1m 30s; a part: 1 other job of the gate pipeline"
        " not asked for"
    )
    assert replace(run, unasked=0).verdict.exit_code == 0


def test_junit_keeps_class_and_name_apart_and_writes_no_time_that_is_none() -> None:
    data = as_junit(replace(RUN, builds=(replace(UNIT, tests=ODD),)))
    assert [(test.classname, test.own_name, test.seconds) for test in parse(data).tests] == [
        ("pkg.test_v", "test_v[1.5]", None),
        ("pkg.test_v", "test_v[http://a.example/b.html]", None),
        ("a", "b.c", None),
        ("a.b.C", "test (x=1.5)", None),
    ]
    assert b"nan" not in data
    assert b"inf" not in data


LOST = replace(
    UNIT,
    tests=(GOOD, replace(GOOD, name="app.tests.T.test_skip", status=TestStatus.SKIP)),
    counted=Counted(passed=3, skipped=2),
    never_ran=("app.tests.T.test_gone",),
    reason="1 test never ran",
    notes=("junit.xml: it is not utf-8 throughout",),
    logs="/x/logs/app-py3",
    output=("make: *** [test]", "\x1b[31mboom"),
)


def test_counts_losses_the_end_of_the_output_and_where_all_of_it_is() -> None:
    lines = summary(replace(RUN, builds=(LOST,)))
    assert "    7 tests, 0 failed, 3 skipped, 1 never ran" in lines
    assert "    1 test never ran" in lines
    assert "    note: junit.xml: it is not utf-8 throughout" in lines
    assert "    all of it: /x/logs/app-py3/job-output.txt" in lines
    at = lines.index("app-py3: the end of its output")
    assert lines[at + 1 : at + 3] == ["    make: *** [test]", "    boom"]
    green = summary(replace(RUN, builds=(replace(LOST, outcome=Outcome.SUCCESS, output=()),)))
    assert not [line for line in green if "all of it" in line]


def test_json_tells_the_same() -> None:
    (value,) = json.loads(json.dumps(as_json(replace(RUN, builds=(LOST,)))))["builds"]
    assert (value["tests"], value["skipped"], value["never_ran"]) == (7, 3, ["app.tests.T.test_gone"])
    assert value["notes"] == ["junit.xml: it is not utf-8 throughout"]
    assert value["output"][-1] == "\x1b[31mboom"
    assert value["job_output"] == "/x/logs/app-py3/job-output.txt"
    (value,) = as_json(replace(RUN, builds=(replace(UNIT, tests=ODD),)))["builds"]  # type: ignore[misc]
    assert value["failures"][0]["classname"] == "pkg.test_v"


def test_tests_that_never_ran_are_in_the_junit_file() -> None:
    tests = {test.name: test.status for test in parse(as_junit(replace(RUN, builds=(LOST,)))).tests}
    assert tests["app.tests.T.test_gone"] is TestStatus.SKIP
    assert tests["app-py3"] is TestStatus.FAILURE


def test_what_differs_from_the_gate_stands_by_its_build_with_its_id() -> None:
    build = replace(LINT, deviations=(OTHERWISE,))
    run = replace(RUN, builds=(build,))
    assert "    other than in the gate: the site's job base is not here [base-job]" in summary(run)
    (told,) = as_json(run)["builds"]
    assert told["deviations"] == [{"id": "base-job", "text": "the site's job base is not here"}]


def test_a_build_of_some_tests_only_is_no_pass_and_no_measure_of_its_job() -> None:
    part = replace(UNIT, outcome=Outcome.SUCCESS, tests=(GOOD,), deviations=(Deviation("partial", "only some"),))
    run = replace(RUN, builds=(LINT, part), not_run=(), chosen=True)
    assert run.verdict.exit_code == INCOMPLETE
    assert summary(run)[-1].startswith("INCOMPLETE: ")
    assert "2 of 2 jobs ran and passed" in summary(run)[-1]
    assert "of 1 job not all tests were asked for" in summary(run)[-1]
    assert [one.job for one in records_of(run, "")] == ["app-lint"]
    tried = replace(LINT, job="app-lint (1 of 2)", tries=(Try(Outcome.SUCCESS, 3.0), Try(Outcome.SUCCESS, 4.0)))
    assert records_of(replace(run, builds=(tried,)), "") == (), "it says nothing of how long the job takes"
    assert replace(run, builds=(LINT, replace(part, outcome=Outcome.FAILURE))).verdict.exit_code == FAILED


def test_the_grade_is_that_of_the_build_farthest_from_the_gate() -> None:
    exact, other = replace(LINT, deviations=()), replace(LINT, deviations=(OTHERWISE,))
    warm = replace(LINT, deviations=(OTHERWISE, Deviation("warm", "it went on")))
    part = replace(LINT, deviations=(Deviation("warm", "it went on"), Deviation("partial", "only some")))
    never = replace(part, outcome=Outcome.NODE_FAILURE)
    for builds, grade, words in (
        ((exact, never), Grade.EXACT, "exact: nothing is known to differ from the gate"),
        ((exact, other), Grade.SUBSTITUTED, "substituted: 1 of 2 jobs ran otherwise than in the gate"),
        ((exact, other, warm), Grade.ACCELERATED, "accelerated: 2 of 3 jobs ran otherwise than in the gate"),
        ((part, exact), Grade.PARTIAL, "partial: 1 of 2 jobs ran otherwise than in the gate"),
    ):
        run = replace(RUN, builds=builds)
        assert run.grade is grade
        assert f"grade: {words}" in summary(run)
        assert as_json(run)["grade"] == grade.value
    assert [one["grade"] for one in as_json(replace(RUN, builds=(exact, warm)))["builds"]] == ["exact", "accelerated"]
    assert replace(RUN, builds=(never,)).grade is None
    assert not [line for line in summary(replace(RUN, builds=(never,))) if line.startswith("grade")]
