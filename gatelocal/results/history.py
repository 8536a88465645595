"""What builds took before: lines of text ↔ records, and what a job is likely to take; it opens no file.

One JSON object a line, so that any number of runs can add to one file and a broken line spoils nothing but itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from gatelocal.model.plan import Usual
from gatelocal.model.result import Outcome
from gatelocal.model.run import RunResult

RECENT = 10
"""How many of a job's last builds its estimate is made from: jobs change, and so do machines."""

_TOLD = frozenset((Outcome.SUCCESS.value, Outcome.FAILURE.value))


@dataclass(frozen=True, slots=True)
class Record:
    """One build that ran to its end.

    :ivar seconds: wall time of the job. :ivar nodes: how many machines it had.
    :ivar gigabytes: what its machines wrote to disk; None when nobody measured it.
    :ivar when: the end of the run, in ISO 8601.
    """

    job: str
    project: str
    branch: str
    outcome: str
    seconds: float
    nodes: int = 1
    gigabytes: float | None = None
    when: str = ""


def records_of(run: RunResult, when: str) -> tuple[Record, ...]:
    """The builds of a run that say how long their job takes: those that ran to an end, red or green.

    :param when: the end of the run, in ISO 8601.
    """
    change = run.change
    return tuple(
        Record(one.job, change.project, change.branch, one.outcome.value, round(one.seconds, 1), when=when)
        for one in run.builds
        if one.outcome.value in _TOLD and one.seconds > 0 and not one.partial and not one.tries
    )


def line_of(record: Record) -> str:
    """A record as one line, without the newline."""
    values = {name: getattr(record, name) for name in Record.__slots__}
    return json.dumps(values, separators=(",", ":"))


def records(text: str) -> tuple[Record, ...]:
    """The records of a text, in its order; a line that is none is left out."""
    found = (_record(line) for line in text.splitlines())
    return tuple(one for one in found if one is not None)


def usual(known: Iterable[Record], project: str = "") -> Mapping[str, Usual]:
    """What each job usually takes.

    :param project: its own builds of a job count before those of others, which count when it has none.
    """
    own: dict[str, list[Record]] = {}
    others: dict[str, list[Record]] = {}
    for one in known:
        (own if one.project == project else others).setdefault(one.job, []).append(one)
    return {job: _usual(group[-RECENT:]) for job, group in {**others, **own}.items()}


def _usual(group: list[Record]) -> Usual:
    # A failed build may have ended early: it counts only for a job that has never passed.
    passed = [one for one in group if one.outcome == Outcome.SUCCESS.value] or group
    measured = [one.gigabytes for one in passed if one.gigabytes is not None]
    return Usual(median(one.seconds for one in passed), median(measured) if measured else None, len(passed))


def _record(line: str) -> Record | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    texts = [value.get(key, "") for key in ("job", "project", "branch", "outcome", "when")]
    seconds, disk, nodes = _number(value.get("seconds")), _number(value.get("gigabytes")), value.get("nodes", 1)
    if not all(isinstance(one, str) for one in texts) or not texts[0] or texts[3] not in _TOLD:
        return None
    if seconds is None or not isinstance(nodes, int):
        return None
    job, project, branch, outcome, when = texts
    return Record(job, project, branch, outcome, seconds, nodes, disk, when)


def _number(value: object) -> float | None:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e7
    return float(value) if sane and isinstance(value, int | float) else None
