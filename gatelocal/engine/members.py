"""What runs for each change of an item, by the configuration that the item itself brings; nothing is run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config import zuul_files
from gatelocal.config.files import changed_files, files_of_commit
from gatelocal.config.tenant_config import Commit
from gatelocal.engine.planning import in_tenant, unused
from gatelocal.engine.subject import merged_subject
from gatelocal.engine.work import Merged, Tools
from gatelocal.errors import ConfigurationError, InputError, NoJobs, as_machinery
from gatelocal.jobs import freeze
from gatelocal.jobs.devstack import profiles
from gatelocal.jobs.gate import semaphores_of, specs_of
from gatelocal.jobs.zuul.layout import Layout
from gatelocal.model.change import Change
from gatelocal.model.facts import Ref
from gatelocal.model.job import Job, JobGraph
from gatelocal.model.layout import Graph
from gatelocal.model.merged import MergedProject
from gatelocal.model.part import Part
from gatelocal.model.plan import Plan
from gatelocal.model.stanza import Stanza


@dataclass(frozen=True, slots=True)
class Wish:
    """Which jobs somebody wants.

    :ivar pipeline: whose; None: gate, else check. :ivar jobs: their names; none: all.
    :ivar strict: what a change breaks of the configuration, and a voting job that cannot be run here, is an error.
    :ivar only: of a job, the ids of the only tests that are wanted; without any: all of its tests.
    :ivar fail_fast: one failed job ends the others, whatever the configuration says.
    :ivar cold: see :class:`gatelocal.engine.request.GateRequest`. :ivar parts: likewise.
    """

    pipeline: str | None = None
    jobs: tuple[str, ...] = ()
    strict: bool = False
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fail_fast: bool = False
    cold: bool = False
    parts: Mapping[str, Sequence[Part]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """One change of an item, or the branch that is tested without one.

    :ivar ref: its name to the gate. :ivar graph: its jobs, those that somebody asked for.
    :ivar plan: all of them, with all that their definitions say.
    :ivar unasked: how many others the pipeline has. :ivar note: why it has none.
    """

    ref: Ref
    own: MergedProject
    graph: JobGraph
    plan: Plan
    unasked: int = 0
    note: str = ""
    semaphores: Mapping[str, int] = field(default_factory=dict)

    def gate_graph(self, titled: Sequence[Job], *, fail_fast: bool) -> Graph:
        """What the gate is told of these jobs, which are this member's. :param fail_fast: see :class:`Wish`."""
        names = {job.name for job in titled}
        frozen = [one.job for one in self.plan.jobs if one.name in names and one.job is not None]
        return Graph(self.ref, tuple(specs_of(frozen)), fail_fast or self.plan.fail_fast)


def members(tools: Tools, wish: Wish, item: Sequence[tuple[Ref, Change]], merged: Merged) -> tuple[Member, ...]:
    """The item's changes with their jobs.

    The first names the pipeline; a project of another one that has no job there brings none.

    :param item: the changes by their names to the gate, the one that was asked for first.
    :raises ConfigurationError: the configuration is wrong, or the first has no such pipeline or job.
    """
    found: list[Member] = []
    for ref, change in item:
        own = merged.state.find(change.project, change.branch)
        if own is None:
            raise AssertionError(f"the merger left out {change.name}")
        pipeline = found[0].plan.pipeline if found else wish.pipeline
        if found and pipeline == profiles.PIPELINE:
            found.append(_without(ref, own, pipeline, "a profile is run once for all"))
            continue
        # Whoever asks for parts of a job wants it, whatever the change touches.
        files = None if wish.parts else _own_files(tools, merged, own, change)
        try:
            if pipeline == profiles.PIPELINE:
                stanzas = profiles.stanzas(own.project, wish.jobs)
                layout, plan = freeze.planned(stanzas, own.project, own.branch, pipelines=(pipeline,))
            else:
                layout, plan = _planned(tools, pipeline, own, merged, files)
        except NoJobs as none:
            if not found:
                raise
            found.append(_without(ref, own, str(pipeline), none.brief))
            continue
        graph = freeze.graph(layout, plan, own.project, as_written=tools.kind != "local")
        if wish.strict:
            _refuse(plan, graph, files)
        found.append(Member(ref, own, graph, plan, semaphores=semaphores_of(layout)))
    return _chosen(found, wish.jobs) if wish.jobs else tuple(found)


_LEFT_OUT = ("unsupported", "undefined", "error")


def _refuse(plan: Plan, graph: JobGraph, files: Sequence[str] | None) -> None:
    """:raises ConfigurationError: a verdict without what is missing here would be none."""
    if any(zuul_files.is_zuul_file(name) for name in files or ()):
        for problem in plan.errors:
            if (problem.place.project, problem.place.branch) == (plan.project, plan.branch):
                raise ConfigurationError(f"{problem.place.where}: {problem.message}", hint=problem.hint)
    for job in graph.left_out:
        if job.voting and job.rule in _LEFT_OUT:
            raise ConfigurationError(f"job {job.name} cannot be run: {job.reason}")


def _without(ref: Ref, own: MergedProject, pipeline: str, why: str) -> Member:
    plan = Plan(own.project, own.branch, pipeline, None, ())
    return Member(ref, own, JobGraph(pipeline, ()), plan, note=why)


def _chosen(found: Sequence[Member], names: Sequence[str]) -> tuple[Member, ...]:
    """None but the named jobs. :raises ConfigurationError: no member has one of that name."""
    every = JobGraph(found[0].plan.pipeline, tuple(job for one in found for job in one.graph.jobs))
    freeze.only(every, names)
    chosen = []
    for one in found:
        kept = tuple(job for job in one.graph.jobs if job.name in names)
        left = len(one.graph.jobs) - len(kept)
        graph = JobGraph(one.graph.pipeline, kept, one.graph.notes)
        chosen.append(Member(one.ref, one.own, graph, one.plan, left, one.note, one.semaphores))
    return tuple(chosen)


def _own_files(tools: Tools, merged: Merged, own: MergedProject, change: Change) -> Sequence[str] | None:
    """The files that a change touches itself; None when nothing was merged."""
    if not own.changes:
        return None
    repository = tools.merger.repository(own.project).path
    step = next((one for one in merged.state.steps if one.change == change), None)
    with as_machinery("listing the changed files", repository):
        if step is None:
            return changed_files(repository, own.before_last, own.commit)
        return changed_files(repository, step.base, step.commit)


def _planned(
    tools: Tools, pipeline: str | None, own: MergedProject, merged: Merged, files: Sequence[str] | None
) -> tuple[Layout, Plan]:
    if tools.tenancy is None:
        return _alone(tools, pipeline, own, files)
    subject = merged_subject(tools.merger, merged.state, own, files)
    try:
        layout, plan = in_tenant(tools.tenancy, subject, pipeline, (tools.directories, tools.say))
        return layout, replace(plan, notes=(*plan.notes, *unused(subject.own)))
    except InputError as error:
        raise ConfigurationError(error.brief, details=error.details, hint=error.hint) from error


def _alone(tools: Tools, pipeline: str | None, own: MergedProject, files: Sequence[str] | None) -> tuple[Layout, Plan]:
    """By the project's own repository."""
    repository = tools.merger.repository(own.project).path
    pipelines = (pipeline,) if pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration", repository):
        stanzas = zuul_files.load(files_of_commit(repository, own.commit))
        before = _stanzas_before(repository, own.before_last)
    layout, plan = freeze.planned(stanzas, own.project, own.branch, pipelines=pipelines, changed=files, before=before)
    return layout, replace(plan, notes=(*plan.notes, *unused(Commit(repository, own.commit), stanzas)))


def _stanzas_before(repository: Path, commit: str) -> Sequence[Stanza]:
    """The configuration without the change; none when it was not there or could not be read then."""
    try:
        return zuul_files.load(files_of_commit(repository, commit))
    except ConfigurationError:
        return ()
