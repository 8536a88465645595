"""What came out: of a test, of a build, of a whole run."""

from __future__ import annotations

from enum import Enum

from gatelocal.model.deviation import Deviation, Grade, graded
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.hold import Invocation
from gatelocal.model.record import dataclass, field
from gatelocal.model.returned import Returned

JOB_OUTPUT = "job-output.txt"
"""The name of a build's log, Zuul's."""
NOT_THERE = "none of the tests that were asked for is there"
"""The reason of a build of which only some tests were wanted, and which has none of them."""


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

    :ivar name: its full id, such as ``package.module.Class.test``: the class, a dot and its own name.
    :ivar seconds: wall time, finite and not negative; None when the stream did not tell.
    :ivar details: the traceback or the reason for a skip, as it stood in the stream.
    :ivar classname: what stands before the dot that parts class and own name, as the stream has it; empty for a test
        without a class. No look at the id tells it: both parts may have dots.
    """

    __test__ = False

    name: str
    status: TestStatus
    seconds: float | None = None
    details: str = ""
    classname: str = ""

    @property
    def own_name(self) -> str:
        """The name within the class, with its parameters."""
        return self.name.removeprefix(f"{self.classname}.") if self.classname else self.name

    @property
    def failed(self) -> bool:
        """Whether the test speaks against the change."""
        return self.status in (TestStatus.FAILURE, TestStatus.UNEXPECTED_SUCCESS)


@dataclass(frozen=True, slots=True)
class Counted:
    """Tests without names: what a tool says that only counts those that ended well."""

    passed: int = 0
    skipped: int = 0


class Outcome(Enum):
    """How a job ended; Zuul's words."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    TIMED_OUT = "TIMED_OUT"
    NODE_FAILURE = "NODE_FAILURE"
    RETRY_LIMIT = "RETRY_LIMIT"
    """It was lost with its node as often as it may be tried."""
    CONFIG_ERROR = "CONFIG_ERROR"
    DISK_FULL = "DISK_FULL"
    POST_FAILURE = "POST_FAILURE"
    ERROR = "ERROR"
    """It never began: what it is to run on or with cannot be had."""
    SKIPPED = "SKIPPED"
    """What it depends on did not succeed, or did not ask for it."""
    ABORTED = "ABORTED"
    """It was stopped, because another job of the change had failed."""

    @property
    def against(self) -> bool:
        """Whether it speaks against the change: it ran to its end, and that was bad."""
        return self in (Outcome.FAILURE, Outcome.TIMED_OUT)

    @property
    def says_nothing(self) -> bool:
        """Whether it was kept from running for another job's sake, so that it says nothing of its own."""
        return self in (Outcome.SKIPPED, Outcome.ABORTED)

    @property
    def machinery(self) -> bool:
        """Whether the machinery, the configuration or the place is to blame, and never the change."""
        return not (self is Outcome.SUCCESS or self.against or self.says_nothing)


@dataclass(frozen=True, slots=True)
class Try:
    """One of several times that a build has run its job on its node.

    :ivar tests: of those that ended, the failed ones and the ones that were asked for. :ivar logs: its own folder;
        empty where nothing of it was kept. :ivar others: how many more tests ended. :ivar unnamed: those of them that
        passed and have no name.
    """

    outcome: Outcome
    seconds: float
    tests: tuple[TestResult, ...] = ()
    never_ran: tuple[str, ...] = ()
    reason: str = ""
    logs: str = ""
    others: int = 0
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class BuildResult:
    """One run of one job.

    :ivar seconds: wall time of the job itself, without the node's making.
    :ivar tests: every test that the job's result streams speak of, in their order.
    :ivar reason: one sentence for an outcome that no test explains; empty otherwise.
    :ivar logs: the folder on this machine that holds what was fetched from the node.
    :ivar counted: tests that ended well of which only the number is known.
    :ivar never_ran: the ids of tests that were chosen and of which no stream tells an end.
    :ivar notes: what of the results could not be read, and what else may be why it went so, each one sentence.
    :ivar output: the last lines of the command that failed, when no test explains the outcome.
    :ivar invocation: the command that failed, or the last one; None when none was started.
    :ivar deviations: what differs from the gate's own run of the job.
    :ivar returned: what it gives to other jobs.
    :ivar diagnosis: whose fault it is thought to be; None for one that has passed, or of which nobody thinks.
    :ivar tries: of a build that was to run its job several times: each of them.
    """

    job: str
    outcome: Outcome
    seconds: float
    voting: bool = True
    tests: tuple[TestResult, ...] = ()
    reason: str = ""
    logs: str = ""
    counted: Counted = field(default_factory=Counted)
    never_ran: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    invocation: Invocation | None = None
    deviations: tuple[Deviation, ...] = ()
    returned: Returned = field(default_factory=Returned)
    diagnosis: Diagnosis | None = None
    tries: tuple[Try, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether it ran less than all of its job, and so says less."""
        return self.grade is Grade.PARTIAL

    @property
    def grade(self) -> Grade:
        """How near it is to the gate's own build of the job."""
        return graded(self.deviations)

    @property
    def count(self) -> int:
        """How many tests ended."""
        return len(self.tests) + self.counted.passed + self.counted.skipped

    @property
    def skipped(self) -> int:
        """How many tests did not run because they or their tool said so."""
        return self.counted.skipped + sum(1 for test in self.tests if test.status is TestStatus.SKIP)

    @property
    def job_output(self) -> str:
        """The path of all that the build printed; empty when there are no logs."""
        return f"{self.logs}/{JOB_OUTPUT}" if self.logs else ""

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed."""
        return tuple(test for test in self.tests if test.failed)
