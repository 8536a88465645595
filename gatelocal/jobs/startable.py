"""Which jobs of a plan can be started on this machine, and what the others lack; it asks nobody and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatelocal.jobs.devstack.wanted import sized
from gatelocal.model.label import Labels
from gatelocal.model.plan import Nodeset, Plan, PlannedJob

_MEBIBYTES = 1024


@dataclass(frozen=True, slots=True)
class Startable:
    """One job that the gate runs. :ivar lacks: why it cannot be started here; empty when it can."""

    name: str
    lacks: str
    label: str = ""


def with_memory(plan: Plan, labels: Labels, gibibytes: float) -> Plan:
    """The plan, where a job whose nodes want more memory than there is lacks that. :param gibibytes: what there is."""
    return replace(plan, jobs=tuple(_with_memory(job, labels, gibibytes) for job in plan.jobs))


def startable(plan: Plan) -> tuple[Startable, ...]:
    """The jobs that run, and those of which nobody here knows what they are."""
    return tuple(_each(plan))


def _each(plan: Plan) -> Iterator[Startable]:
    for job in plan.jobs:
        if job.run:
            nodes = job.job.nodeset.nodes if job.job is not None else ()
            yield Startable(job.name, job.lacks, ", ".join(node.label for node in nodes))
        elif job.rule in ("undefined", "error"):
            yield Startable(job.name, job.reason)


def _with_memory(planned: PlannedJob, labels: Labels, gibibytes: float) -> PlannedJob:
    if planned.job is None or not planned.run or planned.lacks:
        return planned
    labels = sized(labels, planned.job)
    wanted = min(_memory(one, labels) for one in planned.job.nodesets) / _MEBIBYTES
    if wanted <= gibibytes:
        return planned
    return replace(planned, lacks=f"its nodes want {wanted:.0f} GiB of memory, this machine has {gibibytes:.0f}")


def _memory(nodeset: Nodeset, labels: Labels) -> int:
    """Mebibytes that its nodes take of this machine."""
    return sum(labels.wanted(node.label).size.memory for node in nodeset.nodes if not labels.hosts_of(node.label))
