"""What the gate runs for a change, as far as one repository alone can tell; no job is run and no file read here.

It is the resolver of :mod:`gatelocal.jobs.planner` over a tenant of that one project. Inheritance ends at a parent
that the repository does not define: a shared job known to :mod:`gatelocal.jobs.families`, or one that makes the job
impossible here, which is then said and not raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gatelocal.errors import ConfigurationError, NoJobs
from gatelocal.jobs import families, runnable
from gatelocal.jobs.planner import Question
from gatelocal.jobs.planner import plan as plan_of
from gatelocal.jobs.zuul.checks import listed
from gatelocal.jobs.zuul.definitions import Definition, entries
from gatelocal.jobs.zuul.layout import Layout, lay_out, stanzas_of
from gatelocal.jobs.zuul.schema import sifted
from gatelocal.model.job import Job, JobGraph, one_node
from gatelocal.model.plan import Nodeset, Plan, PlannedJob, Problem
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import ConfigFile, Repository, Tenant, TenantProject

PIPELINES = ("gate", "check")
"""Asked in this order: the first that the project names is meant."""


def freeze(
    stanzas: Sequence[Stanza],
    project: str,
    branch: str,
    *,
    pipelines: Sequence[str] = PIPELINES,
    changed: Sequence[str] | None = None,
    before: Sequence[Stanza] | None = None,
) -> JobGraph:
    """The jobs of :func:`planned`. Parameters and errors as there."""
    found, plan = planned(stanzas, project, branch, pipelines=pipelines, changed=changed, before=before)
    return graph(found, plan, project)


def planned(
    stanzas: Sequence[Stanza],
    project: str,
    branch: str,
    *,
    pipelines: Sequence[str] = PIPELINES,
    changed: Sequence[str] | None = None,
    before: Sequence[Stanza] | None = None,
) -> tuple[Layout, Plan]:
    """All jobs that the project names for the first of the pipelines that it has, and the layout that they come from.

    :param branch: the change's target branch.
    :param changed: the files that the change touches; None when unknown: then file matchers keep no job away.
    :param before: the stanzas without the change: a job whose definition differs runs whatever its file matchers say.
    :raises NoJobs: the project has no stanza here, or names no job. :raises ConfigurationError: a stanza is wrong.
    """
    found = alone(stanzas, project, branch)
    malformed = [one for one in found.complaints if one.malformed]
    _refuse([one.problem for one in malformed if one.kind != "job"])
    plan = plan_alone(found, project, branch, pipelines=pipelines, changed=changed, before=before)
    _refuse([one.problem for one in malformed if one.problem in plan.errors])
    for one in plan.jobs:
        if one.rule == "error" and "in a circle" in one.reason:
            where = next((f"{each.place.where}: " for each in plan.errors if each.message in one.reason), "")
            raise ConfigurationError(f"{where}{one.reason.removeprefix('error: ')}", hint="look at their definitions")
    return found, plan


def with_lacks(found: Layout, plan: Plan) -> Plan:
    """The plan with a word on each job that runs and could not be run here. :param found: what the plan comes from."""
    return replace(plan, jobs=tuple(_with_lacks(found, one, plan.project) for one in plan.jobs))


def _with_lacks(found: Layout, planned: PlannedJob, project: str) -> PlannedJob:
    if not planned.run or planned.job is None:
        return planned
    return replace(planned, lacks=runnable.family_of(found, planned.job, project)[1])


def graph(found: Layout, plan: Plan, project: str, *, as_written: bool = True) -> JobGraph:
    """The jobs of a plan. :param found: the layout that the plan comes from.

    :param as_written: see :func:`gatelocal.jobs.runnable.family_of`.
    """
    jobs = tuple(_job(found, one, project, as_written) for one in plan.jobs)
    return JobGraph(plan.pipeline, jobs, plan.notes)


def plan_alone(
    found: Layout,
    project: str,
    branch: str,
    *,
    pipelines: Sequence[str] = PIPELINES,
    changed: Sequence[str] | None = None,
    before: Sequence[Stanza] | None = None,
) -> Plan:
    """The plan of a project without its tenant. Parameters and errors as for :func:`freeze`.

    :param found: what :func:`alone` made of the stanzas.
    """
    known = found.project(project)
    own = stanzas_of(found, known) if known is not None else ()
    if not own:
        raise NoJobs(
            f"the Zuul configuration has no project stanza for {project}",
            hint="add `- project:` with `gate:` and a list of `jobs:`",
        )
    notes = _templates_elsewhere(found, own)
    old = None if before is None else alone(before, project, branch)
    for pipeline in pipelines:
        if any(entries(stanza, pipeline) for stanza in _with_templates(found, own)):
            break
    else:
        raise NoJobs(
            f"{own[0].where}: {project} runs no job in {' or '.join(pipelines)}",
            details="\n".join(notes),
            hint="name the jobs in the project stanza, or choose another pipeline",
        )
    plan = plan_of(found, Question(project, branch, pipeline, changed, old))
    return with_lacks(found, replace(plan, notes=notes))


def alone(stanzas: Iterable[Stanza], project: str, branch: str) -> Layout:
    """A layout of one project, with what is built in of the shared jobs that it leans on."""
    own = TenantProject(project, reporter_jobs=True)
    files: dict[str, list[Stanza]] = {}
    for stanza in stanzas:
        if mine := _of_project(stanza, project):
            files.setdefault(stanza.file, []).append(mine)
    shared = _shared([one for group in files.values() for one in group])
    return lay_out(
        Tenant("", (families.BUILT_IN, own), known_only=False),
        (
            Repository(families.BUILT_IN, ("master",), {"master": (ConfigFile("built in", shared),)}),
            Repository(own, (branch,), {branch: tuple(_file(name, one) for name, one in files.items())}),
        ),
    )


def only(graph: JobGraph, names: Sequence[str]) -> JobGraph:
    """The graph with none but the named jobs.

    :raises ConfigurationError: a name is not in the graph; the hint says which are.
    """
    strange = [name for name in names if name not in {job.name for job in graph.jobs}]
    if strange:
        raise ConfigurationError(
            f"no such job in the {graph.pipeline} pipeline: {', '.join(strange)}",
            hint=f"its jobs: {', '.join(job.name for job in graph.jobs) or 'none'}",
        )
    return JobGraph(graph.pipeline, tuple(job for job in graph.jobs if job.name in names), graph.notes)


def _refuse(found: Iterable[Problem]) -> None:
    for problem in found:
        raise ConfigurationError(f"{problem.place.where}: {problem.message}", hint=problem.hint)


def _file(name: str, stanzas: Iterable[Stanza]) -> ConfigFile:
    good, faults = sifted(stanzas)
    return ConfigFile(name, good, faults)


def _of_project(stanza: Stanza, project: str) -> Stanza | None:
    """The stanza, unless it is about another project; the host in a project's name is not known here."""
    if stanza.kind != "project" or stanza.name.startswith("^"):
        return stanza
    if stanza.name in ("", project) or stanza.name.endswith(f"/{project}"):
        return Stanza("project", "", stanza.body, stanza.file, stanza.line)
    return None


def _shared(stanzas: Sequence[Stanza]) -> tuple[Stanza, ...]:
    """The built-in definitions of all names that the stanzas do not define, and of their parents."""
    defined = {one.name for one in stanzas if one.kind == "job"}
    found: dict[str, Stanza] = {}
    waiting = list(dict.fromkeys(_names(stanzas)))
    while waiting:
        name = waiting.pop()
        stanza = None if name in defined or name in found else families.built_in(name)
        if stanza is not None:
            found[name] = stanza
            parent = stanza.body.get("parent")
            waiting += [parent] if isinstance(parent, str) else []
    return tuple(found.values())


def _names(stanzas: Iterable[Stanza]) -> Iterable[str]:
    for stanza in stanzas:
        if stanza.kind == "job":
            parent = stanza.body.get("parent")
            yield from [parent] if isinstance(parent, str) else []
        elif stanza.kind in ("project", "project-template"):
            for section in stanza.body.values():
                for item in listed(section.get("jobs")) if isinstance(section, dict) else ():
                    yield from [item] if isinstance(item, str) else item if isinstance(item, dict) else ()


def _with_templates(found: Layout, own: Sequence[Definition]) -> Iterable[Definition]:
    for stanza in own:
        yield stanza
        for name in listed(stanza.body.get("templates")):
            yield from found.templates.get(str(name), ())


def _templates_elsewhere(found: Layout, own: Sequence[Definition]) -> tuple[str, ...]:
    names = dict.fromkeys(str(name) for stanza in own for name in listed(stanza.body.get("templates")))
    return tuple(
        f"template {name} is defined elsewhere: its jobs are not known here"
        for name in names
        if name not in found.templates
    )


def _job(found: Layout, planned: PlannedJob, project: str, as_written: bool) -> Job:
    job = planned.job
    if job is None:
        return _left_out(planned)
    family, lacks = runnable.family_of(found, job, project, as_written=as_written)
    rule, reason = ("unsupported", lacks) if planned.run and lacks else (planned.rule, planned.reason)
    return Job(
        name=job.name,
        parents=job.parents,
        variables=MappingProxyType({**job.variables, **job.extra_variables}),
        required_projects=tuple(required.name for required in job.required_projects),
        nodesets=tuple(_nodeset(one, job.variables) for one in job.nodesets),
        timeout=job.timeout if (job.timeout or 0) > 0 else None,
        voting=job.voting,
        defined_in=tuple(f"{place.path}:{place.line}" for place in job.chain if place.project == project),
        dependencies=tuple(dependency.name for dependency in job.dependencies),
        family=family,
        run=rule in ("matches", "config-changed", "needed-by"),
        rule=rule,
        reason=reason,
        deviations=runnable.deviations(found, job, family, project),
        playbooks=runnable.playbooks_of(found, job) if family == runnable.ANSIBLE else None,
    )


def _left_out(planned: PlannedJob) -> Job:
    rule, reason = planned.rule, planned.reason
    if planned.unknown:
        rule = "undefined"
        own = planned.unknown == planned.name
        reason = "it is defined elsewhere" if own else f"parent {planned.unknown} is defined elsewhere"
    return Job(planned.name, voting=planned.said_voting, run=False, rule=rule, reason=reason)


def _nodeset(found: Nodeset, variables: Mapping[str, object]) -> Nodeset:
    """With a node at least; the name of a nodeset that is defined elsewhere is taken as a label."""
    if found.nodes:
        return found
    label = found.name if not found.known and found.name else _label_of_python(variables)
    return replace(found, nodes=one_node(label).nodes)


def _label_of_python(variables: Mapping[str, object]) -> str | None:
    """The label for a job that names no node but a Python that not every node has."""
    wanted = f"{variables.get('python_version', '')} {variables.get('tox_envlist', '')}"
    return "debian-trixie" if re.search(r"(?<!\d)3\.13\b|\bpy313\b", wanted) else None
