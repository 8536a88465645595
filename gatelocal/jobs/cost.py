"""What a job is likely to take, and in which order jobs answer soonest; estimates, until there is a history of our own.

The table is coarse on purpose: it ranks kinds of jobs. Minutes are those of a gate's node with eight cores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gatelocal.model.plan import FrozenJob, PlannedJob

STEPS = ("linters", "unit", "functional", "smoke", "rest")
"""The proposed order: what answers soonest and finds most first; `smoke` is one integration job on a ready node."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate.

    :ivar step: one of :data:`STEPS`. :ivar minutes: wall time.
    :ivar vm_hours: minutes times machines, in hours. :ivar gigabytes: disk that all its machines write.
    """

    step: str
    minutes: int
    vm_hours: float
    gigabytes: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row of the table. :ivar pattern: found in the name of the job or of an ancestor."""

    pattern: str
    step: str
    minutes: int
    gigabytes: float


# The first row that fits the job's own name or an ancestor's, nearest first, counts.
_KINDS = (
    _Kind(r"grenade", "rest", 110, 30),
    _Kind(r"devstack|tempest|dsvm|rally|multinode|multi-cell", "rest", 95, 25),
    _Kind(r"pep8|linters|bashate|pylint|requirements-check|validate|whitespace", "linters", 6, 1),
    _Kind(r"docs|releasenotes|api-ref|test-release|build-", "linters", 9, 2),
    _Kind(r"functional|probe", "functional", 25, 4),
    _Kind(r"tox-(py|cover|lower)|unittests|(^|-)unit(-|$)|py3\d+", "unit", 18, 3),
    _Kind(r"^tox$|^nox$|^openstack-tox$", "unit", 15, 3),
)
_OTHER = _Kind("", "rest", 30, 8)


def cost_of(job: FrozenJob) -> Cost:
    """The estimate for a job: by its kind, its machines, and its time limit, which it cannot exceed."""
    kind = next((row for name in (job.name, *job.parents) for row in _KINDS if re.search(row.pattern, name)), _OTHER)
    machines = len(job.nodeset.nodes) or (0 if job.nodeset.known and not job.nodeset.name else 1)
    minutes = min(kind.minutes, (job.timeout or kind.minutes * 60) // 60) or 1
    return Cost(kind.step, minutes, round(minutes * machines / 60, 2), kind.gigabytes * max(1, machines))


def proposed(jobs: Iterable[PlannedJob]) -> tuple[tuple[PlannedJob, Cost], ...]:
    """The jobs that run, in the order in which they answer soonest; one integration job comes before the others."""
    running = [(planned, cost_of(planned.job)) for planned in jobs if planned.run and planned.job is not None]
    integration = [
        pair for pair in running if pair[1].step == "rest" and pair[0].job is not None and pair[0].job.voting
    ]
    smoke = min(integration, key=lambda pair: (pair[1].vm_hours, pair[1].minutes), default=None)
    if smoke is not None:
        planned, cost = smoke
        ready = Cost("smoke", cost.minutes, cost.vm_hours, cost.gigabytes)
        running = [(planned, ready) if pair[0] is planned else pair for pair in running]
    return tuple(sorted(running, key=lambda pair: (STEPS.index(pair[1].step), pair[1].minutes)))
