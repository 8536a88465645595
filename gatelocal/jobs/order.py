"""Jobs in the order of their dependencies; jobs that depend on nothing keep the order that they came in."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.errors import ConfigurationError
from gatelocal.model.job import Job


def in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Each job after those that it depends on; a dependency that is not among the jobs is left alone.

    :raises ConfigurationError: jobs depend on each other in a circle.
    """
    names = {job.name for job in jobs}
    waiting = list(jobs)
    done: list[Job] = []
    while waiting:
        placed = {job.name for job in done}
        ready = next((job for job in waiting if not (set(job.dependencies) & names) - placed), None)
        if ready is None:
            raise ConfigurationError(
                "jobs depend on each other in a circle: " + ", ".join(job.name for job in waiting),
                hint="look at their `dependencies:`",
            )
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)
