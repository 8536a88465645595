"""Jobs that are taken apart: what the gate is told of them, and what each part's build is; nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gatelocal.errors import ConfigurationError
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.model.part import Part
from gatelocal.model.run import RunResult
from gatelocal.model.text import plain

Parts = Mapping[str, Sequence[Part]]
"""Job → what it is taken apart into; without any, it stays whole."""


def jobs(job: Job, parts: Parts) -> tuple[Job, ...]:
    """The jobs that are run in the place of one."""
    own = parts.get(job.name)
    if not own:
        return (job,)
    return tuple(replace(job, name=one.title(job.name), variables={**job.variables, **one.variables}) for one in own)


def graph(whole: Graph, parts: Parts) -> Graph:
    """What the gate is told: who depends on a job depends on all its parts."""
    return replace(whole, jobs=tuple(one for spec in whole.jobs for one in _specs(spec, parts)))


def refuse_none(result: RunResult, job: str) -> None:
    """:raises ConfigurationError: not one part of the job was run; the reason is the plan's."""
    if not result.builds:
        why = next((one.reason for one in result.not_run if one.name == job), "it is not among the jobs of the change")
        raise ConfigurationError(f"job {plain(job)} is not run here: {plain(why)}")


def _specs(spec: JobSpec, parts: Parts) -> Iterator[JobSpec]:
    needs = tuple((name, soft) for other, soft in spec.dependencies for name in _names(other, parts))
    for name in _names(spec.name, parts):
        yield replace(spec, name=name, dependencies=needs)


def _names(job: str, parts: Parts) -> tuple[str, ...]:
    return tuple(one.title(job) for one in parts.get(job, ())) or (job,)
