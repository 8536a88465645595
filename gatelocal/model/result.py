"""What came out: of a test, of a build, of a whole run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class TestStatus(Enum):
    """The outcome of one test; the words are subunit's, without the ones that only happen in between."""

    SUCCESS = "success"
    FAILURE = "fail"
    SKIP = "skip"
    EXPECTED_FAILURE = "xfail"
    UNEXPECTED_SUCCESS = "uxsuccess"

    __test__ = False


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test.

    :ivar name: its full id, such as ``package.module.Class.test``.
    :ivar seconds: wall time; None when the stream did not tell.
    :ivar details: the traceback or the reason for a skip, as it stood in the stream.
    """

    __test__ = False

    name: str
    status: TestStatus
    seconds: float | None = None
    details: str = ""

    @property
    def failed(self) -> bool:
        """Whether the test speaks against the change."""
        return self.status in (TestStatus.FAILURE, TestStatus.UNEXPECTED_SUCCESS)


class Outcome(Enum):
    """How a build ended; Zuul's words."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    TIMED_OUT = "TIMED_OUT"
    NODE_FAILURE = "NODE_FAILURE"
    CONFIG_ERROR = "CONFIG_ERROR"
    DISK_FULL = "DISK_FULL"
    POST_FAILURE = "POST_FAILURE"
    ERROR = "ERROR"
    """It never began: what it is to run on or with cannot be had."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """One run of one job.

    :ivar seconds: wall time of the job itself, without the node's making.
    :ivar tests: every test that the job's result streams speak of, in their order.
    :ivar reason: one sentence for an outcome that no test explains; empty otherwise.
    :ivar logs: the folder on this machine that holds what was fetched from the node.
    """

    job: str
    outcome: Outcome
    seconds: float
    voting: bool = True
    tests: tuple[TestResult, ...] = ()
    reason: str = ""
    logs: str = ""

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed."""
        return tuple(test for test in self.tests if test.failed)
