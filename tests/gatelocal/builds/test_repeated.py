"""A job that is run several times on its node: what is kept, what it comes to, and when it ends early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.builds.tries import repeated, times
from gatelocal.errors import InfrastructureError
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.stopping import Stop, Stopped

NAME = "a.T.test"


def job(number: object) -> Job:
    return Job("unit", variables={"gatelocal_times": number, "gatelocal_only": [NAME]})


def result(bad: bool = False, outcome: Outcome | None = None, name: str = NAME) -> BuildResult:
    status = TestStatus.FAILURE if bad else TestStatus.SUCCESS
    found = outcome or (Outcome.FAILURE if bad else Outcome.SUCCESS)
    return BuildResult("unit", found, 1.0, tests=(TestResult(name, status), TestResult("a.T.b", TestStatus.SUCCESS)))


def run(tmp_path: Path, number: int, each: Callable[[int], BuildResult]) -> tuple[BuildResult, list[str]]:
    said: list[str] = []

    def once(at: int, logs: Path) -> BuildResult:
        (logs / "job-output.txt").write_text(str(at))
        return each(at)

    return repeated(job(number), once, tmp_path, said.append, Stop()), said


@pytest.mark.parametrize(("told", "count"), [(3, 3), (0, 0), (-1, 0), (True, 0), ("3", 0), (None, 0)])
def test_how_often(told: object, count: int) -> None:
    assert times(job(told)) == count


def test_each_try_is_kept_with_its_tests_and_one_failure_is_no_pass(tmp_path: Path) -> None:
    whole, said = run(tmp_path, 4, lambda at: result(bad=at == 3))
    assert [one.outcome for one in whole.tries] == [Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILURE, Outcome.SUCCESS]
    assert (whole.outcome, [test.name for test in whole.failures]) == (Outcome.FAILURE, [NAME])
    assert [(len(one.tests), one.others) for one in whole.tries] == [(1, 1)] * 4
    assert sorted(path.name for path in (tmp_path / "tries").iterdir()) == ["1", "3"]
    assert [bool(one.logs) for one in whole.tries] == [True, False, True, False]
    assert any("try 3 of 4: failed" in line for line in said)
    assert "try 2 of 4: passed" in (tmp_path / "job-output.txt").read_text()


def test_a_node_that_goes_on_failing_is_given_up_and_what_came_before_counts(tmp_path: Path) -> None:
    def each(at: int) -> BuildResult:
        if at > 2:
            raise InfrastructureError("the node is gone")
        return result()

    whole, _ = run(tmp_path, 50, each)
    assert [one.outcome for one in whole.tries] == [Outcome.SUCCESS] * 2 + [Outcome.NODE_FAILURE] * 3
    assert whole.outcome is Outcome.SUCCESS


def test_what_came_to_nothing_at_all_is_lost_to_the_gate_which_tries_again(tmp_path: Path) -> None:
    whole, _ = run(tmp_path, 50, lambda at: replace(result(), outcome=Outcome.NODE_FAILURE, reason="gone"))
    assert (whole.outcome, whole.reason, len(whole.tries)) == (Outcome.NODE_FAILURE, "gone", 3)


def test_one_try_is_enough_where_there_is_no_such_test(tmp_path: Path) -> None:
    whole, _ = run(tmp_path, 50, lambda at: result(name="a.T.other"))
    assert len(whole.tries) == 1


def test_it_ends_when_the_end_is_asked_for(tmp_path: Path) -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Stopped):
        repeated(job(3), lambda at, logs: result(), tmp_path, lambda line: None, stop)
