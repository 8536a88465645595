"""What a job is likely to take, and in which order jobs answer soonest: by our own history, or else by a table.

The table is coarse on purpose: it ranks kinds of jobs. Minutes are those of a gate's node with eight cores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from gatelocal.model.plan import FrozenJob, PlannedJob, Usual

STEPS = ("linters", "unit", "functional", "smoke", "rest")
"""The proposed order: what answers soonest and finds most first; `smoke` is one integration job on a ready node."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate.

    :ivar step: one of :data:`STEPS`. :ivar minutes: wall time.
    :ivar vm_hours: minutes times machines, in hours. :ivar gigabytes: disk that all its machines write.
    :ivar builds: how many earlier builds here the minutes were learned from; 0: they are the table's.
    """

    step: str
    minutes: int
    vm_hours: float
    gigabytes: float
    builds: int = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row of the table. :ivar pattern: found in the name of the job or of an ancestor."""

    pattern: str
    step: str
    minutes: int
    gigabytes: float


# The first row that fits the job's own name or an ancestor's, nearest first, counts.
_KINDS = (
    _Kind(r"^noop$", "linters", 0, 0),
    _Kind(r"grenade", "rest", 110, 30),
    _Kind(r"devstack|tempest|dsvm|rally|multinode|multi-cell", "rest", 95, 25),
    _Kind(r"pep8|linters|bashate|pylint|requirements-check|validate|whitespace", "linters", 6, 1),
    _Kind(r"docs|releasenotes|api-ref|test-release|build-", "linters", 9, 2),
    _Kind(r"functional|probe", "functional", 25, 4),
    _Kind(r"tox-(py|cover|lower)|unittests|(^|-)unit(-|$)|py3\d+", "unit", 18, 3),
    _Kind(r"^tox$|^nox$|^openstack-tox$", "unit", 15, 3),
)
_OTHER = _Kind("", "rest", 30, 8)


def cost_of(job: FrozenJob, history: Mapping[str, Usual]) -> Cost:
    """The estimate for a job: by its earlier builds, or else by its kind; never more than its time limit.

    A nodeset that is not known is taken for one machine.

    :param history: what jobs usually take here, by their names.
    """
    kind = next((row for name in (job.name, *job.parents) for row in _KINDS if re.search(row.pattern, name)), _OTHER)
    machines = len(job.nodeset.nodes) if job.nodeset.known else 1
    known = history.get(job.name)
    likely = kind.minutes if known is None else ceil(known.seconds / 60)
    minutes = min(likely, (job.timeout or likely * 60) // 60) or 1
    disk = kind.gigabytes * max(1, machines) if known is None or known.gigabytes is None else known.gigabytes
    return Cost(kind.step, minutes, round(minutes * machines / 60, 2), disk, known.builds if known else 0)


def proposed(jobs: Iterable[PlannedJob], history: Mapping[str, Usual]) -> tuple[tuple[PlannedJob, Cost], ...]:
    """The jobs that run, in the order in which they answer soonest; one integration job comes before the others."""
    running = [(one, cost_of(one.job, history)) for one in jobs if one.run and one.job is not None]
    integration = [
        pair for pair in running if pair[1].step == "rest" and pair[0].job is not None and pair[0].job.voting
    ]
    smoke = min(integration, key=lambda pair: (pair[1].vm_hours, pair[1].minutes), default=None)
    if smoke is not None:
        planned, cost = smoke
        ready = replace(cost, step="smoke")
        running = [(planned, ready) if pair[0] is planned else pair for pair in running]
    return tuple(sorted(running, key=lambda pair: (STEPS.index(pair[1].step), pair[1].minutes)))
