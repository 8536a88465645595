"""A whole run of the gate over one change: what was tested, where, and what came out."""

from __future__ import annotations

from enum import Enum

from gatelocal.errors import CONFIGURATION, FAILED, INCOMPLETE, MACHINERY, PASSED
from gatelocal.model.change import Change
from gatelocal.model.deviation import Grade
from gatelocal.model.job import Job
from gatelocal.model.record import dataclass
from gatelocal.model.result import BuildResult, Outcome

NOT_HERE = ("undefined", "unsupported", "error")
"""The rules by which a job that the gate would run is not run here."""


class Verdict(Enum):
    """What a run says about its change; each has the exit code of :mod:`gatelocal.errors`."""

    PASSES = "passes"
    FAILS = "fails"
    INCOMPLETE = "incomplete"
    CONFIGURATION = "configuration"
    MACHINERY = "machinery"

    @property
    def exit_code(self) -> int:
        """The status that the command ends with."""
        return {
            Verdict.PASSES: PASSED,
            Verdict.FAILS: FAILED,
            Verdict.INCOMPLETE: INCOMPLETE,
            Verdict.CONFIGURATION: CONFIGURATION,
            Verdict.MACHINERY: MACHINERY,
        }[self]


@dataclass(frozen=True, slots=True)
class Base:
    """The commit of one project's branch that the changes were merged onto."""

    project: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run.

    :ivar dependencies: the changes that were merged before it, in that order.
    :ivar node: the node's description; empty when none was needed.
    :ivar node_reason: why this kind of node and no other; empty when the person chose it.
    :ivar not_run: jobs of the pipeline that were left out, each with its reason.
    :ivar notes: what else a person should know, each one sentence.
    :ivar logs: the folder on this machine with one folder for each build.
    :ivar seconds: wall time of everything.
    :ivar chosen: somebody named the jobs: then all of them count, and nobody else's do.
    :ivar unasked: how many other jobs the pipeline has then.
    :ivar part: those others have passed for another state of the project: a pass of these alone is none of the change.
    """

    change: Change
    pipeline: str
    builds: tuple[BuildResult, ...]
    dependencies: tuple[Change, ...] = ()
    bases: tuple[Base, ...] = ()
    node: str = ""
    node_reason: str = ""
    not_run: tuple[Job, ...] = ()
    notes: tuple[str, ...] = ()
    logs: str = ""
    seconds: float = 0.0
    chosen: bool = False
    unasked: int = 0
    part: bool = False

    @property
    def counting(self) -> tuple[BuildResult, ...]:
        """The builds that the verdict is made of."""
        return tuple(build for build in self.builds if build.voting or self.chosen)

    @property
    def passed(self) -> tuple[BuildResult, ...]:
        """Those that ran to their end and passed."""
        return tuple(build for build in self.counting if build.outcome is Outcome.SUCCESS)

    @property
    def failed(self) -> tuple[BuildResult, ...]:
        """Those that ran to their end and speak against the change."""
        return tuple(build for build in self.counting if build.outcome.against)

    @property
    def broken(self) -> tuple[BuildResult, ...]:
        """Those that came to no end that says anything of the change."""
        return tuple(build for build in self.counting if build.outcome.machinery)

    @property
    def grade(self) -> Grade | None:
        """That of the build farthest from the gate's own; None: none has run to an end."""
        ran = {one.grade for one in self.builds if one.outcome is Outcome.SUCCESS or one.outcome.against}
        return max(ran, key=list(Grade).index, default=None)

    @property
    def lacking(self) -> tuple[Job, ...]:
        """The jobs that the gate would run and that cannot be run here."""
        return tuple(job for job in self.not_run if job.rule in NOT_HERE and (job.voting or self.chosen))

    @property
    def verdict(self) -> Verdict:
        """A build that failed speaks first, then configuration; a pass needs every job that counts, and one at least.

        Where nothing passed, the machinery or the configuration is told as what kept everything from running. No job
        at all, by the matchers of all of them, is no pass: Zuul neither votes nor merges then (its ``NO_JOBS``). Nor
        is a build that ran only some of its tests.
        """
        if self.failed:
            return Verdict.FAILS
        if any(build.outcome is Outcome.CONFIG_ERROR for build in self.counting):
            return Verdict.CONFIGURATION
        if not self.passed and self.broken:
            return Verdict.MACHINERY
        if not self.passed and self.lacking and all(job.rule == "error" for job in self.lacking):
            return Verdict.CONFIGURATION
        if self.broken or self.lacking or (self.part and self.unasked) or any(one.partial for one in self.passed):
            return Verdict.INCOMPLETE
        ran = any(build.outcome is Outcome.SUCCESS or build.outcome.against for build in self.builds)
        return Verdict.PASSES if ran else Verdict.INCOMPLETE
