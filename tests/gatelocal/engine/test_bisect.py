"""Probes by halves over runs that are made up: what is found, what is refused, and what says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gatelocal.engine.bisect import Answer, Bisected, Prober, bisect
from gatelocal.engine.recorded import Meant
from gatelocal.engine.request import GateRequest
from gatelocal.engine.row import Row, Standing
from gatelocal.errors import ConflictError, InfrastructureError, InputError
from gatelocal.model.change import Change
from gatelocal.model.deviation import WARM, Deviation
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus, Try
from gatelocal.model.run import Base, RunResult

NAME = "a.T.test"
CHANGE = Change("p", "main", "c" * 40, "Subject\n")


def row(count: int) -> Row:
    places = (Standing(f"c{n}", f"Commit {n}", GateRequest(change=str(n)), str(n)) for n in range(count + 1))
    return Row("commit", tuple(places), "look elsewhere")


def result(status: TestStatus | None, *, warm: bool = False, outcome: Outcome | None = None) -> RunResult:
    """A run of one try. :param status: of the test; None: the node was lost."""
    tests = () if status is None else (TestResult(NAME, status, 0.1, "AssertionError: 1 != 2"),)
    words = {None: Outcome.NODE_FAILURE, TestStatus.FAILURE: Outcome.FAILURE}
    came = outcome or words.get(status, Outcome.SUCCESS)
    one = Try(came, 1.0, tests, reason="" if tests else "the node is gone")
    notes = (Deviation(WARM, "x"),) if warm else ()
    build = BuildResult("unit (probe)", came, 1.0, tests=tests, tries=(one,), deviations=notes, reason=one.reason)
    return RunResult(CHANGE, "gate", (build,), bases=(Base("p", "main", "b" * 40),), logs="/logs")


class Runs:
    """Runs as somebody made them up, and what was asked. :param bad: the first bad place."""

    def __init__(self, bad: int, instead: dict[int, Callable[[GateRequest], RunResult]] | None = None) -> None:
        self.asked: list[int] = []
        self.requests: list[GateRequest] = []
        self._bad, self._instead = bad, instead or {}

    def __call__(self, request: GateRequest) -> RunResult:
        place = int(request.change)
        self.asked.append(place)
        self.requests.append(request)
        if place in self._instead:
            return self._instead[place](request)
        return result(TestStatus.FAILURE if place >= self._bad else TestStatus.SUCCESS)


def look(count: int, runs: Runs, **more: object) -> Bisected:
    prober = Prober(runs, Meant("unit", (NAME,), "a run"), lambda line: None)
    return bisect(row(count), replace(prober, **more))  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[[GateRequest], RunResult]:
    def run(_: GateRequest) -> RunResult:
        raise error

    return run


@pytest.mark.parametrize("culprit", range(1, 17))
def test_a_culprit_among_sixteen_is_found_in_five_probes_where_a_run_has_seen_the_failure(culprit: int) -> None:
    runs = Runs(culprit)

    def recorded(standing: Standing, bases: frozenset[str]) -> Answer | None:
        assert (standing.name, bases) == ("c16", {"b" * 40})
        return Answer(0, False, "seen", recorded="run")

    found = look(16, runs, recorded=recorded)
    assert [one.name for one in found.culprits] == [f"c{culprit}"]
    assert len(found.probes) == 5 + (culprit == 16), "what is only recorded is looked at where all else hangs on it"
    assert found.first_bad.place == culprit and found.first_bad.why in ("AssertionError: 1 != 2", "seen")


def test_each_probe_runs_the_tests_alone_on_a_clone_where_there_is_one() -> None:
    runs = Runs(2)
    look(3, runs)
    assert runs.asked[:2] == [0, 3], "the ends come first"
    one = runs.requests[0]
    assert (one.jobs, one.only, one.part) == (("unit",), {"unit": (NAME,)}, True)
    assert dict(one.parts["unit"][0].variables) == {"gatelocal_times": 1, "gatelocal_clone": True}


def test_an_end_that_is_not_what_it_has_to_be_is_told() -> None:
    with pytest.raises(InputError, match="it fails with c0: AssertionError") as caught:
        look(4, runs := Runs(0))
    assert caught.value.hint == "look elsewhere" and runs.asked == [0]
    with pytest.raises(InputError, match="it passes with c4 too: there is nothing to find"):
        look(4, Runs(9))


def test_a_test_that_no_run_has_recorded_is_first_seen_to_fail() -> None:
    runs = Runs(2)
    found = look(3, runs, meant=Meant("unit", (NAME,)))
    assert runs.asked[:2] == [3, 0] and [one.name for one in found.culprits] == ["c2"]
    silent = replace(result(TestStatus.SUCCESS).builds[0], tries=(Try(Outcome.SUCCESS, 1.0, others=1, unnamed=1),))
    unnamed = {
        0: lambda _: replace(result(None), builds=(silent,)),
        1: lambda _: replace(result(None), builds=(silent,)),
    }
    assert [one.name for one in look(3, Runs(2, unnamed), meant=Meant("unit", (NAME,))).culprits] == ["c2"]


def test_a_row_of_one_has_no_culprit() -> None:
    with pytest.raises(InputError, match="nothing between the two ends"):
        look(0, Runs(0))


def test_what_was_recorded_and_is_not_so_any_more_names_nobody() -> None:
    runs = Runs(99)
    with pytest.raises(InputError, match="nothing to find"):
        look(4, runs, recorded=lambda standing, bases: Answer(0, False, recorded="run"))
    assert runs.asked == [0, 2, 3, 4]


def test_an_end_that_says_nothing_ends_the_search_with_its_own_error() -> None:
    with pytest.raises(InfrastructureError, match="no container"):
        look(4, Runs(2, {0: raising(InfrastructureError("no container"))}))
    with pytest.raises(InputError, match="c4 has to be tested, and says nothing: the node is gone"):
        look(4, Runs(2, {4: lambda _: result(None)}))


def test_probes_that_say_nothing_are_passed_over_and_never_bad() -> None:
    gone = Runs(6, {8: raising(ConflictError("conflict")), 4: lambda _: result(TestStatus.SKIP)})
    found = look(16, gone)
    assert [one.name for one in found.culprits] == ["c6"]
    assert {one.place: one.why for one in found.answers if one.good is None}[8] == "conflict"
    lost = look(8, Runs(4, {4: lambda _: result(None), 3: lambda _: result(None)}))
    assert [one.name for one in lost.culprits] == ["c3", "c4", "c5"]


def test_a_job_that_is_not_run_says_nothing() -> None:
    none = replace(result(None), builds=(), not_run=(Job("unit", run=False, rule="error", reason="no such role"),))
    found = look(4, Runs(2, {2: lambda _: none}))
    assert [one.name for one in found.culprits] == ["c2", "c3"]
    assert "job unit is not run here: no such role" in [one.why for one in found.answers]


def test_a_machinery_that_goes_on_failing_ends_it() -> None:
    every: dict[int, Callable[[GateRequest], RunResult]] = {
        place: raising(InfrastructureError("the disk is full")) for place in range(1, 16)
    }
    runs = Runs(2, every)
    with pytest.raises(InfrastructureError, match="the machinery fails in each probe"):
        look(16, runs)
    assert len(runs.asked) == 5


def test_a_clone_that_says_nothing_is_tried_again_on_a_fresh_node() -> None:
    def run(request: GateRequest) -> RunResult:
        return result(TestStatus.FAILURE) if request.cold else result(None, warm=True)

    runs = Runs(3, {2: run})
    found = look(4, runs)
    assert [one.name for one in found.culprits] == ["c2"] or runs.asked.count(2) == 2
    assert [one.cold for one in runs.requests if one.change == "2"] == [False, True]


def test_a_pass_of_fewer_tries_than_were_asked_for_is_none() -> None:
    found = look(2, Runs(2), times=1)
    assert [one.good for one in found.answers] == [True, False, True]
    with pytest.raises(InputError, match="c0 has to be tested, and says nothing"):
        look(2, Runs(2), times=2)
