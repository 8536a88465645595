"""The board of a run: how far each job is, by what the run tells."""

from __future__ import annotations

from gatelocal.model.change import Change
from gatelocal.model.happening import (
    ChangeKnown,
    Happening,
    JobEnded,
    JobsKnown,
    JobStarted,
    NodeReady,
    Output,
    Progress,
)
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.reporter.board import Board, Row


class Told:
    """A board, and the clock that it is told by."""

    def __init__(self) -> None:
        self.now = 0.0
        self.board = Board(lambda: self.now, lambda project: {"unit": 60.0} if project == "acme/app" else {})
        self.hear(0, ChangeKnown(change=Change("acme/app", "main", "a" * 40, "x")))
        self.hear(1, JobsKnown(pipeline="gate", jobs=("unit", "lint", "docs"), width=2))

    def hear(self, at: float, *told: Happening) -> None:
        self.now = at
        for one in told:
            self.board(one)


def ended(job: str, outcome: Outcome, seconds: float, reason: str = "") -> JobEnded:
    return JobEnded(job=job, attempt=1, build=BuildResult(job, outcome, seconds, reason=reason))


def test_a_job_waits_gets_its_node_runs_and_ends() -> None:
    told = Told()
    assert (told.board.shown(), told.board.summed()) == ((), "3 jobs: 3 waiting")
    told.hear(2, Progress(job="unit", text="booting"))
    told.hear(3, Progress(job="unit", text="still"))
    assert told.board.shown() == (Row("unit", "gets a node", 2.0, 60.0, "still"),)
    told.hear(4, NodeReady(job="unit", attempt=1, node="a container"))
    told.hear(5, JobStarted(job="unit", attempt=1, logs="/x"), Output(job="unit", line="collecting"))
    assert told.board.shown() == (Row("unit", "runs", 5.0, 60.0, "collecting"),)
    told.hear(6, Progress(job="unit", text="a note of ours"))
    assert told.board.shown()[0].state == "runs", "what we say of it meanwhile takes no node from it"
    assert told.board.summed() == "3 jobs: 1 under way, 2 waiting"
    told.hear(9, ended("unit", Outcome.SUCCESS, 4.0))
    assert (told.board.shown(), told.board.summed()) == ((), "3 jobs: 1 passed, 2 waiting")


def test_who_failed_stays_before_who_runs() -> None:
    told = Told()
    told.hear(2, JobStarted(job="unit", attempt=1, logs="/x"), JobStarted(job="lint", attempt=1, logs="/y"))
    told.hear(5, ended("lint", Outcome.FAILURE, 3.0, "two errors"), ended("docs", Outcome.SKIPPED, 0.0))
    assert [(row.job, row.state, row.text) for row in told.board.shown()] == [
        ("lint", "FAILURE", "two errors"),
        ("docs", "SKIPPED", ""),
        ("unit", "runs", ""),
    ]
    assert told.board.summed() == "3 jobs: 2 not, 1 under way"


def test_a_job_that_is_tried_once_more_gets_a_node_again() -> None:
    told = Told()
    told.hear(2, JobStarted(job="unit", attempt=1, logs="/x"), ended("unit", Outcome.NODE_FAILURE, 1.0, "gone"))
    told.hear(3, Progress(job="unit", text="booting"))
    assert [(row.state, row.since) for row in told.board.shown()] == [("gets a node", 3.0)]


def test_nothing_is_known_before_the_jobs_are() -> None:
    board = Board(lambda: 0.0, lambda project: {})
    board(Progress(text="merging"))
    assert (board.shown(), board.summed()) == ((), "")
