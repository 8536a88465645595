"""Every sentence that the gate says on a change or of it; no rule and no logic beyond putting values in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatelocal.pipeline.state import Item, JobRun, Reason


def listed(names: tuple[str, ...]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _are(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"


def _because(needed: str, culprit: str = "", words: str = "") -> str:
    return "" if not words else f": {words}" if culprit == needed else f": {culprit}: {words}"


_SENTENCES: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "abandoned": lambda names: "it is abandoned",
    "merged": lambda names: "it has landed",
    "wip": lambda names: "it is work in progress",
    "votes": lambda names: f"a vote is missing: {listed(names)}",
    "requirement": lambda names: names[0],
    "unknown": lambda names: f"change {names[0]} is not known",
    "old-patchset": lambda names: f"{names[0]} is not the current patchset",
    "outdated": lambda names: f"its git parent {names[0]} is not the current patchset",
    "needs": lambda names: f"it needs {names[0]}, which cannot come yet" + _because(*names),
    "cannot-land": lambda names: f"{names[0]} cannot land: {names[1]}",
    "needed": lambda names: f"it needs {listed(names)}, which {_are(names)} not landing",
    "other-queue": lambda names: f"it needs {names[0]}, which is in another queue: it has to land first",
    "cycle": lambda names: f"{listed(names)} need each other, and the queue allows no cycles",
    "no-project": lambda names: f"its project has no jobs in {names[0]}",
    "no-jobs": lambda names: f"none of the jobs of {names[0]} is for it",
    "failed": lambda names: f"{listed(names)} failed; a new patchset or approval",
    "skipped": lambda names: f"all jobs of {names[0]} were skipped; a new patchset or approval",
    "conflict": lambda names: f"it conflicts with {listed(names) or 'its branch'}; a new patchset",
    "config": lambda names: f"the configuration cannot be used: {names[0]}",
    "refused": lambda names: f"the server refused to submit it: {names[0]}",
    "half-landed": lambda names: f"the server refused {names[0]} after {names[1]} had landed",
    "reporters": lambda names: f"{listed(names)} did not succeed after it; what was built on it is tested again",
    "dequeued": lambda names: f"an operator took it out of {names[0]}; a new approval",
    "superseded": lambda names: f"{names[0]} has taken its place",
    "new-patchset": lambda names: f"patchset {names[0]} has to be approved",
    "not-approved": lambda names: f"no event has put it into {names[0]} yet",
    "cycle-changed": lambda names: f"{listed(names)} do not need each other as before",
    "reload": lambda names: f"{names[0]} is not in the layout any more",
}


def sentence(reason: Reason) -> str:
    """A reason in words, without a capital and a full stop."""
    return _SENTENCES[reason.code](reason.names)


def _line(run: JobRun) -> str:
    note = f" ({run.reason})" if run.reason else "" if run.job.voting else " (non-voting)"
    return f"- {run.job.name} {run.result}{note}"


def results(item: Item) -> str:
    """The results of all jobs, one a line."""
    return "\n".join(_line(run) for run in item.runs if run.control_of < 0)


def entered(pipeline: str) -> str:
    """A change has entered a pipeline."""
    return f"It has entered {pipeline}."


def started(pipeline: str) -> str:
    """Jobs begin."""
    return f"Starting {pipeline} jobs."


def succeeded(item: Item) -> str:
    """All voting jobs succeeded."""
    return f"{item.pipeline} succeeded.\n\n{results(item)}"


def failed(item: Item, tested_with: tuple[str, ...] = ()) -> str:
    """A voting job failed; `tested_with`: the changes that it was tested on."""
    on = f" on top of {listed(tested_with)}" if tested_with else ""
    return f"{item.pipeline} failed{on}.\n\n{results(item)}"


def rejected(pipeline: str, reason: Reason) -> str:
    """It left or cannot come."""
    return f"{pipeline}: {sentence(reason)}."


def early_conflict(pipeline: str, names: tuple[str, ...]) -> str:
    """A conflict with what is ahead, found before that has landed."""
    return (
        f"{pipeline}: it conflicts with {listed(names)}, which is ahead of it. "
        "It stays in the queue: if that does not land, it is tested without it."
    )


def broken_trunk(pipeline: str, jobs: tuple[str, ...], queue: str) -> str:
    """The job fails without any change as well."""
    fail = "fails" if len(jobs) == 1 else "fail"
    return (
        f"{pipeline}: {listed(jobs)} {fail} on the branch itself. Queue {queue} is paused, and nobody is rejected "
        "until an operator resumes it."
    )


def other_content(pipeline: str, queue: str) -> str:
    """What landed is not what was tested."""
    return f"{pipeline}: what has landed is not what was tested. Queue {queue} is paused until an operator resumes it."
