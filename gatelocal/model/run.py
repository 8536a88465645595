"""A whole run of the gate over one change: what was tested, where, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gatelocal.errors import CONFIGURATION, FAILED, MACHINERY, PASSED
from gatelocal.model.change import Change
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome


class Verdict(Enum):
    """What a run says about its change; each has the exit code of :mod:`gatelocal.errors`."""

    PASSES = "passes"
    FAILS = "fails"
    CONFIGURATION = "configuration"
    MACHINERY = "machinery"

    @property
    def exit_code(self) -> int:
        """The status that the command ends with."""
        return {
            Verdict.PASSES: PASSED,
            Verdict.FAILS: FAILED,
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
    """

    change: Change
    pipeline: str
    builds: tuple[BuildResult, ...]
    dependencies: tuple[Change, ...] = ()
    bases: tuple[Base, ...] = ()
    node: str = ""
    node_reason: str = ""
    not_run: tuple[Job, ...] = ()
    notes: tuple[str, ...] = field(default=())
    logs: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """A voting build that failed speaks first, then configuration, then machinery; no build at all is no pass.

        Left out by its own matchers (files, branch), a job asks for nothing: a run of which nothing else was
        asked passes.
        """
        voting = [build.outcome for build in self.builds if build.voting]
        if any(outcome in (Outcome.FAILURE, Outcome.TIMED_OUT) for outcome in voting):
            return Verdict.FAILS
        if Outcome.CONFIG_ERROR in voting:
            return Verdict.CONFIGURATION
        if any(outcome is not Outcome.SUCCESS for outcome in voting):
            return Verdict.MACHINERY
        wanted = [job for job in self.not_run if job.rule in ("undefined", "unsupported", "error")]
        if not self.builds and wanted:
            return Verdict.CONFIGURATION
        return Verdict.PASSES
