"""The timers of pipelines: at each time, the branches of the projects that take part are put in; it decides nothing.

What is missed while nobody is there, or the machine sleeps, is not made up for, as in Zuul.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gatelocal.jobs.zuul.timers import Timer

Put = Callable[[str, str, str], None]
"""Puts a branch into a pipeline: pipeline, project, branch."""
Branches = Callable[[str], Iterable[tuple[str, str]]]
"""Pipeline → (project, branch) of all that take part in it."""
Known = Mapping[str, Sequence[Timer]]

_STALE = 60.0  # seconds after which a time that was missed is over
_LONGEST = 60.0


@dataclass(slots=True)
class Timers:
    """See the module. Its methods are for one thread.

    :ivar known: pipeline → its timers, as they are at this moment. :ivar chance: 0 to 1.
    """

    known: Callable[[], Known]
    branches: Branches
    put: Put
    chance: Callable[[], float] = random.random
    _last: datetime | None = None
    _late: list[tuple[datetime, str, str, str]] = field(default_factory=list)

    def look(self, now: datetime) -> float:
        """Put in what is due; how many seconds there are until the next look."""
        last = self._last or now
        since = last if 0 <= (now - last).total_seconds() <= _STALE + _LONGEST else now
        self._last = now
        following: list[datetime] = []
        for pipeline, timers in self.known().items():
            for timer in timers:
                due = timer.after(since)
                if due is not None and due <= now:
                    self._goes_off(pipeline, timer, due)
                    due = timer.after(now)
                following += [due] if due is not None else []
        while self._late and self._late[0][0] <= now:
            _, *told = heapq.heappop(self._late)
            self.put(*told)
        following += [self._late[0][0]] if self._late else []
        wait = min(((one - now).total_seconds() for one in following), default=_LONGEST)
        return min(max(wait, 0.0), _LONGEST)

    def _goes_off(self, pipeline: str, timer: Timer, due: datetime) -> None:
        for project, branch in self.branches(pipeline):
            late = datetime.fromtimestamp(due.timestamp() + timer.jitter * self.chance(), UTC)
            heapq.heappush(self._late, (late, pipeline, project, branch))
