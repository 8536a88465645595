"""Jobs in the order of their dependencies; jobs that depend on nothing keep the order that they came in."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from gatelocal.errors import ConfigurationError
from gatelocal.model.job import Job

_SHOWN = 10


def in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Each job after those that it depends on; a dependency that is not among the jobs is left alone.

    :raises ConfigurationError: jobs depend on each other in a circle.
    """
    places = {job.name: place for place, job in enumerate(jobs)}
    needs = [{places[name] for name in job.dependencies if name in places} for job in jobs]
    needed_by: list[list[int]] = [[] for _ in jobs]
    for place, wanted in enumerate(needs):
        for other in wanted:
            needed_by[other].append(place)
    left = [len(wanted) for wanted in needs]
    ready = [place for place, count in enumerate(left) if count == 0]
    heapify(ready)
    done: list[Job] = []
    while ready:
        place = heappop(ready)
        done.append(jobs[place])
        for other in needed_by[place]:
            left[other] -= 1
            if left[other] == 0:
                heappush(ready, other)
    if len(done) < len(jobs):
        raise _circle([jobs[place].name for place, count in enumerate(left) if count])
    return tuple(done)


def _circle(names: Sequence[str]) -> ConfigurationError:
    told = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return ConfigurationError(f"jobs depend on each other in a circle: {told}", hint="look at their `dependencies:`")
