"""One change through a gate with one line: who runs beside whom, what is tried again, what is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal import stopping
from gatelocal.engine.line import Ended
from gatelocal.engine.local import results_of
from gatelocal.errors import ConfigurationError, ConflictError, InfrastructureError
from gatelocal.model.hold import Hold
from gatelocal.model.layout import JobSpec
from gatelocal.model.result import Outcome
from tests.fakes.builder import interrupt
from tests.fakes.one_line import OneLine, change

PATIENCE = 20.0
ONE = change(1)
FOUR = [JobSpec(name) for name in "abcd"]


def outcomes(ended: Ended) -> dict[str, str]:
    return {one.job: one.outcome.value for one in results_of(ended)}


def reasons(ended: Ended) -> dict[str, str]:
    return {one.job: one.reason for one in results_of(ended)}


def met(barrier: threading.Barrier) -> Callable[[], Outcome]:
    """Ends when all have come together."""

    def does() -> Outcome:
        barrier.wait(PATIENCE)
        return Outcome.SUCCESS

    return does


@pytest.fixture
def line(tmp_path: Path) -> OneLine:
    return OneLine(tmp_path)


def test_independent_jobs_run_beside_each_other(line: OneLine) -> None:
    barrier = threading.Barrier(4)
    line.does = {spec.name: [met(barrier)] for spec in FOUR}
    assert outcomes(line.through({ONE: FOUR})) == dict.fromkeys("abcd", "SUCCESS")
    assert line.up == []


def test_no_more_than_wanted_run_at_a_time(line: OneLine) -> None:
    line.width = 1
    assert outcomes(line.through({ONE: FOUR})) == dict.fromkeys("abcd", "SUCCESS")
    assert line.log == [f"{word} {name}" for name in "abcd" for word in ("begin", "end")]


def test_a_job_waits_for_what_it_depends_on_and_is_skipped_when_that_fails(line: OneLine) -> None:
    jobs = [
        JobSpec("late", dependencies=(("good", False),)),
        JobSpec("never", dependencies=(("bad", False),)),
        JobSpec("nor-this", dependencies=(("never", False),)),
        JobSpec("good"),
        JobSpec("bad"),
    ]
    line.does = {"bad": [lambda: Outcome.FAILURE]}
    ended = line.through({ONE: jobs})
    assert outcomes(ended) == {
        "late": "SUCCESS",
        "never": "SKIPPED",
        "nor-this": "SKIPPED",
        "good": "SUCCESS",
        "bad": "FAILURE",
    }
    assert reasons(ended)["never"] == "bad did not succeed"
    assert line.log.index("end good") < line.log.index("begin late")
    assert "begin never" not in line.log


def test_a_lost_build_is_tried_again_on_another_node(line: OneLine) -> None:
    lost: list[object] = [InfrastructureError("the node is gone"), lambda: Outcome.NODE_FAILURE]
    line.does = {"a": [*lost, lambda: Outcome.SUCCESS]}  # type: ignore[dict-item]
    (result,) = results_of(line.through({ONE: [JobSpec("a")]}))
    assert (result.outcome, line.log.count("begin a")) == (Outcome.SUCCESS, 3)
    assert sorted(path.name for path in (line.folder / "logs").glob("[!.]*")) == ["a", "a~2", "a~3"]
    assert result.logs.endswith("a~3") and line.up == []


@pytest.mark.parametrize("attempts", [1, 3])
def test_when_all_attempts_are_used_up_it_is_the_machinery(line: OneLine, attempts: int) -> None:
    line.does = {"a": [InfrastructureError("the node is gone", hint="look")]}
    (result,) = results_of(line.through({ONE: [JobSpec("a", attempts=attempts)]}))
    assert line.log == ["begin a"] * attempts
    assert result.outcome is Outcome.RETRY_LIMIT and result.outcome.machinery
    assert result.reason == f"{attempts} attempt{'s' * (attempts > 1)}, the last: the node is gone (look)"


@pytest.mark.parametrize("outcome", [Outcome.DISK_FULL, Outcome.CONFIG_ERROR, Outcome.ERROR, Outcome.POST_FAILURE])
def test_what_is_no_loss_is_not_tried_again_and_never_the_change(line: OneLine, outcome: Outcome) -> None:
    line.does = {"a": [lambda: outcome]}
    (result,) = results_of(line.through({ONE: [JobSpec("a")]}))
    assert (result.outcome, line.log) == (outcome, ["begin a", "end a"])
    assert outcome.machinery and not outcome.against


def test_a_full_disk_of_the_node_is_told_as_one(line: OneLine) -> None:
    line.does = {"a": [InfrastructureError("cannot copy", details="No space left on device")]}
    (result,) = results_of(line.through({ONE: [JobSpec("a")]}))
    assert (result.outcome, result.reason) == (Outcome.DISK_FULL, "the node's disk is full: cannot copy")


def test_no_node_ends_the_job_with_the_reason_and_is_asked_for_once(line: OneLine) -> None:
    line.nowhere = ("moon",)
    jobs = [JobSpec("a"), JobSpec("b"), JobSpec("c")]
    ended = line.through({ONE: jobs}, labels={"b": "moon", "c": "moon"})
    assert outcomes(ended) == {"a": "SUCCESS", "b": "NODE_FAILURE", "c": "NODE_FAILURE"}
    assert set(reasons(ended).values()) == {"", "no machine of the kind moon"}
    assert line.log.count("no moon") == 1


def test_whatever_a_launcher_refuses_ends_the_job_alone(line: OneLine) -> None:
    line.refusing = {"x": ConfigurationError("no image"), "y": OSError(28, "No space left on device", "/nodes")}
    ended = line.through({ONE: FOUR[:3]}, labels={"b": "x", "c": "y"})
    assert outcomes(ended) == {"a": "SUCCESS", "b": "CONFIG_ERROR", "c": "ERROR"}
    assert reasons(ended) == {"a": "", "b": "no image", "c": "No space left on device: /nodes"}
    assert "job c: ERROR: No space left on device: /nodes" in line.said


def test_a_job_whose_trees_cannot_be_had_asks_for_no_node(line: OneLine) -> None:
    line.lacking = {("demo/app 1,1", "b"): InfrastructureError("no such project")}
    ended = line.through({ONE: [JobSpec("a"), JobSpec("b"), JobSpec("c", dependencies=(("b", False),))]})
    assert outcomes(ended) == {"a": "SUCCESS", "b": "ERROR", "c": "SKIPPED"}
    assert sum(path.name.startswith("node") for path in line.folder.iterdir()) == 1


def test_one_failure_ends_the_others_where_the_project_wants_that(line: OneLine) -> None:
    begun, up = threading.Event(), threading.Event()

    def fails() -> Outcome:
        begun.wait(PATIENCE)
        return Outcome.FAILURE

    def hangs() -> Outcome:
        begun.set()
        with stopping.waiting(up.set):  # as a program is waited for
            up.wait(PATIENCE)
        return Outcome.SUCCESS

    line.does = {"a": [fails], "b": [hangs]}
    jobs = [JobSpec("a"), JobSpec("b"), JobSpec("c", dependencies=(("b", False),))]
    ended = line.through({ONE: jobs}, fail_fast=True)
    assert outcomes(ended) == {"a": "FAILURE", "b": "ABORTED", "c": "ABORTED"}
    assert line.up == []


def test_who_holds_a_semaphore_keeps_the_others_waiting(line: OneLine) -> None:
    jobs = [JobSpec(name, semaphores=("one",)) for name in "abc"]
    assert outcomes(line.through({ONE: jobs})) == dict.fromkeys("abc", "SUCCESS")
    assert [word.split()[0] for word in line.log] == ["begin", "end"] * 3


def test_a_semaphore_may_be_held_as_often_as_the_configuration_says(line: OneLine) -> None:
    line.semaphores = {"two": 2}
    barrier = threading.Barrier(2)
    line.does = {name: [met(barrier)] for name in "ab"}
    jobs = [JobSpec(name, semaphores=("two",)) for name in "ab"]
    assert outcomes(line.through({ONE: jobs})) == dict.fromkeys("ab", "SUCCESS")


def test_all_of_a_cycle_bring_their_jobs_and_what_they_need_is_merged_before(line: OneLine) -> None:
    two, below = change(2, "demo/lib"), change(3, "demo/tools")
    needs = {ONE: [two, below], two: [ONE], below: []}
    shared = JobSpec("shared", required_projects=("demo/app", "demo/lib"))
    jobs = {ONE: [JobSpec("a"), shared], two: [JobSpec("b"), shared], below: [JobSpec("c")]}
    ended = line.through(jobs, needs)
    assert outcomes(ended) == {"a": "SUCCESS", "b": "SUCCESS", "shared": "SUCCESS"}
    (asked,) = line.prepares
    assert (asked.changes[0].change, asked.own) == ("demo/tools 3,1", 2)
    assert {ref.change for ref in asked.of} == {"demo/app 1,1", "demo/lib 2,1"}


def test_the_node_of_the_first_that_fails_is_kept(line: OneLine) -> None:
    line.width = 1
    line.does = {"a": [lambda: Outcome.FAILURE], "b": [lambda: Outcome.FAILURE]}
    line.through({ONE: [replace(spec, voting=spec.name != "a") for spec in FOUR]}, hold=Hold.FAILURE)
    assert len(line.up) == 1 and line.up[0].held and not line.up[0].closed
    assert line.log.index("end b") < line.log.index("held") and line.log.count("held") == 1


def test_the_node_of_the_last_that_ends_is_kept_where_none_fails(line: OneLine) -> None:
    line.width = 1
    line.through({ONE: FOUR}, hold=Hold.ALWAYS)
    (node,) = line.up
    assert node.held and not node.closed and line.log.count("held") == len(FOUR)
    assert (node.occasion.job, node.occasion.outcome, node.occasion.change) == ("d", "SUCCESS", "demo/app 1,1")


def test_a_mistake_of_ours_is_kept_for_the_end_and_the_others_run(line: OneLine) -> None:
    line.does = {"a": [ZeroDivisionError("planted")]}
    ended = line.through({ONE: FOUR})
    assert "ZeroDivisionError" in str(ended.hands.kept.mistake)
    assert outcomes(ended) == {"a": "ERROR", **dict.fromkeys("bcd", "SUCCESS")}


def test_what_cannot_be_prepared_is_kept_for_the_end(line: OneLine) -> None:
    line.failing = ConflictError("they do not go together")
    assert line.through({ONE: FOUR}).hands.failed is line.failing
    again = line.through({ONE: FOUR}).hands.failed  # by another process, which reads what the first one has left
    assert isinstance(again, ConflictError) and again.brief == "they do not go together"
    other = OneLine(line.folder / "other", failing=InfrastructureError("no server"))
    assert other.through({ONE: FOUR}).hands.failed is other.failing
    assert line.log == []


def test_an_interruption_stops_builds_and_returns_nodes(line: OneLine) -> None:
    barrier = threading.Barrier(2)

    def interrupted() -> Outcome:
        barrier.wait(PATIENCE)
        interrupt()

    line.does = {"a": [interrupted], "b": [met(barrier)], "c": [lambda: Outcome.SUCCESS]}
    line.width = 2
    with pytest.raises(KeyboardInterrupt):
        line.through({ONE: FOUR})
    assert line.up == [] and not any(thread.name.startswith("seat") for thread in threading.enumerate())
    assert list((line.folder / "cache/work").iterdir()) == []


def test_lines_carry_the_name_of_their_build_when_there_are_several(line: OneLine) -> None:
    line.through({ONE: FOUR})
    assert {f"job {name}: SUCCESS" for name in "abcd"} <= set(line.said)
    assert all(one.startswith(("job ", "4 jobs, ")) for one in line.said)
    other = OneLine(line.folder / "other")
    other.through({ONE: FOUR[:1]})
    assert "copying 0 source trees to the node" in other.said
