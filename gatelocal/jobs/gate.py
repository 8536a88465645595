"""A tenant's configuration as the gate needs it: its layout, and the frozen jobs of a change; it decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gatelocal.jobs.planner import Listed, chosen, listed
from gatelocal.jobs.zuul.checks import listed as many
from gatelocal.jobs.zuul.definitions import Definition, stanza_branches, template_branches
from gatelocal.jobs.zuul.draft import ATTEMPTS
from gatelocal.jobs.zuul.layout import Layout as Configuration
from gatelocal.jobs.zuul.layout import complaint, stanzas_of
from gatelocal.jobs.zuul.pipelines import NotTaken, pipeline_of
from gatelocal.model.facts import Ref
from gatelocal.model.layout import BranchQueue, Graph, JobKind, JobSpec, Layout, Pipeline, Project, QueueSpec
from gatelocal.model.pattern import Pattern
from gatelocal.model.plan import FrozenJob, Problem
from gatelocal.model.record import replace
from gatelocal.model.tenant import TenantProject

_NOBODY = Ref("", 0)


@dataclass(frozen=True, slots=True)
class Told:
    """The gate's layout.

    :ivar problems: what of the configuration was left out, with its place. :ivar inert: what Zuul would follow and the
        gate does not, with its place.
    """

    layout: Layout
    problems: tuple[Problem, ...] = ()
    inert: tuple[Problem, ...] = ()


def layout_of(found: Configuration, connection: str = "gerrit", *, clock: bool = False) -> Told:
    """The layout that pipelines run with.

    :param connection: the name that the configuration has for the Gerrit whose gate this is.
    :param clock: somebody sees to its pipelines' timers.
    """
    pipelines: dict[str, Pipeline] = {}
    problems = [one.problem for one in found.complaints]
    inert: list[Problem] = []
    for definition in found.pipelines.values():
        try:
            pipelines[definition.name], ignored = pipeline_of(definition, connection, clock=clock)
        except NotTaken as wrong:
            problems.append(complaint(definition, "pipeline", f"pipeline {definition.name}: {wrong}").problem)
            continue
        inert += [complaint(definition, "pipeline", f"pipeline {definition.name}: {one}").problem for one in ignored]
    queues = {name: _queue(definition) for name, definition in found.queues.items()}
    projects = {one.name: _project(found, one, queues, pipelines) for one in found.tenant.projects}
    semaphores = semaphores_of(found)
    known = {name: one for name, one in projects.items() if one.pipelines or one.queue or one.assigned}
    return Told(Layout(pipelines, known, queues, semaphores), tuple(problems), tuple(inert))


def _queue(definition: Definition) -> QueueSpec:
    body = definition.body
    kind = body.get("type", "per-branch" if body.get("per-branch") is True else "all-branches")
    cycles = body.get("allow-circular-dependencies") is True
    return QueueSpec(definition.name, kind == "per-branch", kind == "branch-assigned", cycles)


def semaphores_of(found: Configuration) -> dict[str, int]:
    """Semaphore → how many may hold it."""
    return {name: _most(definition) for name, definition in found.semaphores.items()}


def _most(definition: Definition) -> int:
    most = definition.body.get("max", 1)
    return most if isinstance(most, int) else 1


def _project(
    found: Configuration, project: TenantProject, queues: dict[str, QueueSpec], pipelines: Mapping[str, Pipeline]
) -> Project:
    stanzas = stanzas_of(found, project)
    layers = [pair for stanza in stanzas for pair in _layers(found, stanza, project)]
    named = [(str(one.body["queue"]), branches) for one, branches in layers if "queue" in one.body]
    for name, _ in named:
        queues.setdefault(name, QueueSpec(name))
    return Project(
        project.name,
        frozenset(key for one, _ in layers for key in one.body if key in pipelines),
        next((name for name, _ in named if not queues[name].assigned), None),
        tuple(BranchQueue(branches, name) for name, branches in named if queues[name].assigned),
    )


def _layers(
    found: Configuration, stanza: Definition, project: TenantProject
) -> Iterator[tuple[Definition, tuple[Pattern, ...]]]:
    """A stanza and its templates, each with the branches that it is for."""
    yield stanza, stanza_branches(stanza, project)
    for name in many(stanza.body.get("templates")):
        for template in found.templates.get(str(name), ()):
            yield template, template_branches(template)


def graph(found: Configuration, change: Ref, where: tuple[str, str, str], files: Sequence[str]) -> Graph:
    """The jobs that run for a change.

    :param where: project, branch and pipeline. :param files: those that it touches; none: they are not known.
    """
    project, branch, pipeline = where
    known = found.project(project)
    if known is None:
        return Graph(change)
    jobs = _frozen(found, known.canonical, branch, pipeline)
    return replace(jobs.always if jobs.always is not None else _chosen(jobs, files), ref=change)


@dataclass(frozen=True, slots=True)
class _Frozen:
    """The jobs of a list, frozen once for all changes.

    :ivar specs: name → the queue's view. :ivar always: the graph, when no file matcher has a say in it.
    """

    listed: Listed
    specs: Mapping[str, JobSpec]
    always: Graph | None = None


@lru_cache(maxsize=1024)
def _frozen(found: Configuration, project: str, branch: str, pipeline: str) -> _Frozen:
    jobs = listed(found, found.projects[project], branch, pipeline)
    known = [one.planned.job for one in jobs.candidates if one.planned.job is not None]
    frozen = _Frozen(jobs, {job.name: job for job in specs_of(known)})
    if any(job.files is not None or job.irrelevant_files for job in known):
        return frozen
    return replace(frozen, always=_chosen(frozen, ()))


def _chosen(frozen: _Frozen, files: Sequence[str]) -> Graph:
    """The graph for a change of these files, without the change."""
    found = frozen.listed.layout
    lacking = [name for name in frozen.listed.jobs.templates if name not in found.templates]
    if lacking and not found.incomplete:
        return Graph(_NOBODY, problem=f"there is no project-template {lacking[0]}")
    ruled = [one.planned for one in chosen(frozen.listed, files)]
    for one in ruled:
        if one.rule in ("error", "undefined"):
            reason = one.reason.removeprefix(f"{one.rule}: ")
            return Graph(_NOBODY, problem=reason if one.name in reason else f"job {one.name}: {reason}")
    running = tuple(frozen.specs[one.name] for one in ruled if one.run)
    return Graph(_NOBODY, running, frozen.listed.jobs.fail_fast)


def specs_of(frozen: Sequence[FrozenJob]) -> list[JobSpec]:
    """The queue's view of the jobs of one list.

    Each regular one is behind all initializers, as if it had named them (Zuul: ``addInitializerJobs``).
    """
    jobs = [spec_of(one) for one in frozen]
    first = tuple((job.name, True) for job in jobs if job.kind is JobKind.INITIALIZER)
    return [_behind(job, first) if first and job.kind is JobKind.REGULAR else job for job in jobs]


def _behind(job: JobSpec, first: tuple[tuple[str, bool], ...]) -> JobSpec:
    """The job depending on these as well; Zuul's softness takes the place of what it says of them itself."""
    names = {name for name, _ in first}
    needs = (*(one for one in job.dependencies if one[0] not in names), *first)
    return replace(job, dependencies=needs)


def spec_of(job: FrozenJob) -> JobSpec:
    """The queue's view of a frozen job."""
    scalars, lists = job.scalars, job.lists
    attempts, shared = scalars.get("attempts"), scalars.get("deduplicate")
    return JobSpec(
        job.name,
        voting=job.voting,
        dependencies=tuple((one.name, one.soft) for one in job.dependencies),
        hold_following=scalars.get("hold-following-changes") is True,
        attempts=attempts if isinstance(attempts, int) else ATTEMPTS,
        semaphores=job.semaphores,
        late_semaphores=frozenset(job.late_semaphores),
        provides=frozenset(map(str, lists.get("provides", ()))),
        requires=frozenset(map(str, lists.get("requires", ()))),
        required_projects=tuple(one.name for one in job.required_projects),
        files=job.files or (),
        irrelevant=job.irrelevant_files or (),
        deduplicate=shared if isinstance(shared, bool) else None,
        kind=JobKind(job.kind),
    )
