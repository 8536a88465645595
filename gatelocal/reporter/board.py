"""How far each job of a run is, kept up to date by what the run tells; it knows no terminal and reads no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
from gatelocal.model.result import Outcome

WAITS, MADE, RUNS = "waits", "gets a node", "runs"
"""How far a job can be that has not ended; then it is its outcome."""


@dataclass(frozen=True, slots=True)
class Row:
    """One job.

    :ivar state: one of the three above, or the outcome's word.
    :ivar since: when that began, by the clock of whoever asks; seconds.
    :ivar usual: seconds that it usually takes; None: nobody knows.
    :ivar text: the last that was heard of it.
    """

    job: str
    state: str = WAITS
    since: float = 0.0
    usual: float | None = None
    text: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state not in (WAITS, MADE, RUNS)


class Board:
    """A reader of happenings, which may be looked at from another thread.

    :param clock: seconds. :param usual: told the project, says how many seconds each of its jobs usually takes.
    """

    def __init__(self, clock: Callable[[], float], usual: Callable[[str], Mapping[str, float]]) -> None:
        self._clock = clock
        self._usual = usual
        self._project = ""
        self._rows: dict[str, Row] = {}

    def __call__(self, one: Happening) -> None:
        """Take note of it."""
        match one:
            case ChangeKnown():
                self._project = one.change.project
            case JobsKnown():
                known, now = self._usual(self._project), self._clock()
                self._rows = {job: Row(job, since=now, usual=known.get(job)) for job in one.jobs}
            case NodeReady():
                self._note(one.job, text=one.node)
            case JobStarted():
                self._note(one.job, state=RUNS, since=self._clock(), text="")
            case Output():
                self._note(one.job, text=one.line)
            case Progress() if one.job:
                row = self._rows.get(one.job, Row(one.job))
                if row.state == WAITS or row.ended:  # it is tried once more
                    self._note(one.job, state=MADE, since=self._clock())
                self._note(one.job, text=one.text)
            case JobEnded():
                build = one.build
                self._note(one.job, state=build.outcome.value, since=self._clock() - build.seconds, text=build.reason)
            case _:
                pass

    def _note(self, job: str, **what: object) -> None:
        self._rows[job] = replace(self._rows.get(job, Row(job)), **what)  # type: ignore[arg-type]

    def shown(self) -> tuple[Row, ...]:
        """What a person wants to see: the jobs that failed, those that are under way."""
        rows = tuple(self._rows.values())
        bad = tuple(row for row in rows if row.ended and row.state != Outcome.SUCCESS.value)
        return (*bad, *(row for row in rows if row.state in (MADE, RUNS)))

    def summed(self) -> str:
        """How many there are of each state, in words; empty as long as no job is known."""
        rows = tuple(self._rows.values())
        passed = sum(1 for row in rows if row.state == Outcome.SUCCESS.value)
        told = (
            (passed, "passed"),
            (sum(1 for row in rows if row.ended) - passed, "not"),
            (sum(1 for row in rows if row.state in (MADE, RUNS)), "under way"),
            (sum(1 for row in rows if row.state == WAITS), "waiting"),
        )
        words = ", ".join(f"{count} {word}" for count, word in told if count)
        return f"{len(rows)} {'job' if len(rows) == 1 else 'jobs'}: {words}" if rows else ""
