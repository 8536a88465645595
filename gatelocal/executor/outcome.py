"""What a step's end means: the change's fault, the configuration's, or the machinery's; it reads lines, runs nothing.

What comes before the run of a tox environment is never the change's failure: no test has run. It is the machinery's
when the output says what the node lacks, and otherwise it is told that the environment could not be built, which may
be for what the project asks for, or for the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatelocal.executor.signs import LACKS, Sign
from gatelocal.executor.stages import Stage
from gatelocal.executor.wanted import Wanted, env_names
from gatelocal.model.result import Outcome

ENOUGH = 256 * 1024 * 1024
"""Bytes free after the tests that make a full disk unlikely, whatever the tests wrote about one."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that ended with a status other than 0.

    :ivar seen: the signs in its output, each with a line of it. :ivar words: the last lines of the output.
    :ivar free: bytes free on the node afterwards; None when unknown. :ivar node: the node's description.
    """

    build: Wanted
    stage: Stage
    status: int
    seen: Mapping[Sign, str]
    words: str = ""
    free: int | None = None
    node: str = ""

    @property
    def names(self) -> str:
        """The environments, for people."""
        return env_names(self.build.envs)


def judged(failed: Failed) -> tuple[Outcome, str]:
    """The outcome of the build, and one sentence about it."""
    build, seen = failed.build, failed.seen
    before = failed.stage is not Stage.TESTS or Sign.STARTED not in seen
    if before and Sign.NO_ENVIRONMENT in seen:
        return Outcome.CONFIG_ERROR, (
            f"there is no tox environment {failed.names} in {build.directory};"
            f" job {build.job.name} ({build.job.defined_in[-1] if build.job.defined_in else 'shared'}) asks for it"
        )
    if Sign.NO_SPACE in seen and (before or failed.free is None or failed.free < ENOUGH):
        return Outcome.DISK_FULL, f"the node's disk is full: {seen[Sign.NO_SPACE]}"
    if not before:
        return Outcome.FAILURE, _fault(failed)
    lacking = _lacking(failed)
    if lacking:
        return Outcome.NODE_FAILURE, lacking
    if failed.stage is Stage.TESTS and Sign.UNSATISFIABLE not in seen:
        return Outcome.FAILURE, _fault(failed)  # tox may have been asked not to say that its commands have begun
    return Outcome.CONFIG_ERROR, _not_built(failed)


def _lacking(failed: Failed) -> str:
    """What the node lacks, or why it could not be prepared; empty when that is not what the output says."""
    seen, build = failed.seen, failed.build
    if Sign.NO_INTERPRETER in seen:
        return f"the node has no Python for {failed.names}: {seen[Sign.NO_INTERPRETER]}{_on(failed)}"
    if Sign.UNSATISFIABLE in seen and not {Sign.NO_HOST, Sign.NO_NETWORK} & set(seen):
        return ""
    for sign, sentence in LACKS.items():
        if sign in seen:
            return f"{sentence}: {seen[sign]}"
    told = {
        Stage.PACKAGES: "the packages that bindep.txt names could not be installed",
        Stage.TOX: f"the tox that the job wants ({build.tox_version or build.tox}) is not to be had",
        Stage.SUDO: "the right to become root could not be taken away",
    }.get(failed.stage)
    return f"{told}{_because(failed)}" if told else ""


def _not_built(failed: Failed) -> str:
    if failed.stage is Stage.SETUP:
        ended = f"tools/test-setup.sh ended with status {failed.status}"
        return f"the environment could not be built: {ended}{_because(failed)}"
    what = " with the trees of required projects" if failed.stage is Stage.SIBLINGS else ""
    other = _on(failed) if "requires a different Python" in failed.seen.get(Sign.UNSATISFIABLE, "") else ""
    return f"the environment {failed.names} could not be built{what}{_because(failed)}{other}"


def _fault(failed: Failed) -> str:
    if failed.status in (-9, 137):
        return f"tox -e {failed.names} was killed: the node's memory may be too small"
    return f"tox -e {failed.names} ended with status {failed.status}"


def _because(failed: Failed) -> str:
    return f": {failed.words}" if failed.words else ""


def _on(failed: Failed) -> str:
    return f" (the node is {failed.node})" if failed.node else ""
