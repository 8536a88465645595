"""What a build's outcome is to the gate, and a job's result to a person: the one place where they meet."""

from __future__ import annotations

from dataclasses import replace

from gatelocal.engine.seats import Told
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Returned
from gatelocal.pipeline.state import JobRun

LOST = "LOST"


def told(result: BuildResult) -> Told:
    """What the gate is told of a build that has ended.

    One that was lost with its node, or before the node was fit for it, is lost to the gate, which tries the job again
    as often as the job allows (Zuul: ``attempts``). Every other outcome goes by its own name.
    """
    outcome = result.outcome
    return told_of(result.returned, LOST if outcome is Outcome.NODE_FAILURE else outcome.value)


def told_of(returned: Returned, result: str = "") -> Told:
    """What the gate is told of a build that is paused, or has ended so."""
    return Told(result, tuple(str(one.told["name"]) for one in returned.artifacts), returned.children)


def result_of(run: JobRun, title: str, last: BuildResult | None) -> BuildResult:
    """A job's result for people, from the gate's word on it and what its last build, if any, has left."""
    outcome = Outcome(run.result) if run.result else Outcome.ABORTED  # it left before the job had ended
    if last is None or outcome.says_nothing:
        return BuildResult(title, outcome, 0.0, run.job.voting, reason=run.reason)
    if outcome is Outcome.RETRY_LIMIT:
        count = "1 attempt" if run.lost == 1 else f"{run.lost} attempts"
        return replace(last, outcome=outcome, reason=f"{count}, the last: {last.reason}")
    if outcome is Outcome.NODE_FAILURE:  # or what it was to run on could not be had: the gate knows one word for both
        return last
    return replace(last, outcome=outcome)
