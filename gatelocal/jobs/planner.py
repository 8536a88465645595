"""What runs for a change to a project, and why: a layout and a question → a plan; nothing is read and nothing is run.

Source of the rules: Zuul's way of freezing a job graph. Where Zuul would give up on the whole project, the jobs that
are not touched are planned all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from gatelocal.errors import InputError
from gatelocal.jobs import shortfalls
from gatelocal.jobs.candidate import Candidate, in_error
from gatelocal.jobs.config_change import alters_own_files, substance
from gatelocal.jobs.frozen import check_limits, check_runnable, freeze
from gatelocal.jobs.job_list import JobList, job_list, queue_of
from gatelocal.jobs.needs import with_dependencies
from gatelocal.jobs.zuul.definitions import Definition, job_holds
from gatelocal.jobs.zuul.draft import Draft, Refused, frozen
from gatelocal.jobs.zuul.layout import NOOP, Layout, spoiled_jobs
from gatelocal.jobs.zuul.match import relevant
from gatelocal.jobs.zuul.schema import WRONG
from gatelocal.jobs.zuul.variants import no_variant
from gatelocal.model.plan import RUNNING, Plan, PlannedJob
from gatelocal.model.refs import Where, name_of, names
from gatelocal.model.tenant import TenantProject

REASONS: Mapping[str, str] = {
    "matches": "matches",
    "branch": "branch matcher",
    "no-variant": "no variant matches",
    "files": "no changed file matches files",
    "irrelevant-files": "all changed files match irrelevant-files",
    "config-changed": "config-changed: the change alters its definition or one of its playbooks",
    "needed-by": "needed-by",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know.

    :ivar project: with or without its host.
    :ivar changed: the changed files; None when there is no change: then file matchers keep no job away.
    :ivar before: the layout without the change, the same when the change alters no configuration; None when there
        is no change.
    """

    project: str
    branch: Where
    pipeline: str
    changed: Sequence[str] | None = None
    before: Layout | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A project's jobs for a pipeline on a branch, frozen, whatever files a change touches.

    :ivar jobs: what the stanzas say. :ivar candidates: each job, as if it ran.
    """

    layout: Layout
    project: TenantProject
    branch: Where
    pipeline: str
    jobs: JobList
    candidates: tuple[Candidate, ...]


def plan(layout: Layout, question: Question) -> Plan:
    """The answer.

    :raises InputError: the tenant has no such project, branch or pipeline.
    """
    found = listed(layout, _project(layout, question), question.branch, question.pipeline)
    candidates = chosen(found, question.changed, question.before)
    used = _used(found, candidates)
    touching, others = shortfalls.errors(layout, used, [one for job in candidates for one in job.complaints])
    return Plan(
        project=found.project.name,
        branch=name_of(question.branch),
        pipeline=question.pipeline,
        queue=queue_of(layout, found.project, question.branch),
        jobs=tuple(one.planned for one in candidates),
        errors=touching,
        missing=shortfalls.missing(layout, used),
        other_errors=others,
        fail_fast=found.jobs.fail_fast,
    )


def listed(layout: Layout, project: TenantProject, branch: Where, pipeline: str) -> Listed:
    """Freeze the jobs that the project names; which of them run is not asked yet."""
    jobs = job_list(layout, project, branch, pipeline)
    found = Listed(layout, project, branch, pipeline, jobs, ())
    return replace(found, candidates=tuple(_candidate(found, name, named) for name, named in jobs.entries.items()))


def chosen(found: Listed, changed: Sequence[str] | None, before: Layout | None = None) -> list[Candidate]:
    """The same jobs, each with whether it runs and why.

    :param changed: the changed files, :param before: the layout without the change: as in :class:`Question`.
    """
    old = cache(lambda: _old_jobs(found, before))
    return with_dependencies(found.layout, [_ruled(found, one, changed, before, old) for one in found.candidates])


def _old_jobs(found: Listed, layout: Layout | None) -> Mapping[str, Draft] | None:
    """All jobs before the change, whatever files it touches.

    None when one of them could not be: then nobody knows which the change has altered, and Zuul leaves all of them to
    their file matchers.
    """
    project = layout.project(found.project.canonical) if layout is not None else None
    if layout is None or project is None:
        return None
    old = listed(layout, project, found.branch, found.pipeline)
    candidates = chosen(old, None)
    known = layout.tenant.known_only and not layout.incomplete
    if known and any(name not in layout.templates for name in old.jobs.templates):
        return None
    if known and any(one.planned.rule in ("error", "undefined") for one in candidates):
        return None
    return {one.planned.name: one.draft for one in candidates if one.draft is not None}


def _used(found: Listed, candidates: Sequence[Candidate]) -> shortfalls.Used:
    return shortfalls.Used(
        project=found.project,
        branch=name_of(found.branch),
        branches=frozenset(_branches_that_count(found, candidates)),
        stanzas=frozenset(stanza.place for stanza in found.jobs.stanzas),
        templates=tuple(dict.fromkeys(found.jobs.templates)),
        names=frozenset(name for one in candidates for name in one.names),
        unknown=tuple((name, one.planned.name) for one in candidates for name in one.unknown),
        jobs=tuple(one.planned for one in candidates),
    )


def _project(layout: Layout, question: Question) -> TenantProject:
    project = layout.project(question.project)
    if project is None:
        several = len(layout.short_names.get(question.project, ())) > 1
        raise InputError(
            f"tenant {layout.tenant.name} has no project {question.project}",
            details="several servers have a project of that name" if several else "",
            hint="name it with its host" if several else "is it spelled as in the tenant's configuration?",
        )
    branches = layout.branches.get(project.canonical, ())
    branch = question.branch
    if branches and isinstance(branch, str) and branch not in branches and not project.dynamic_branches:
        told = ", ".join(branches[:20])
        raise InputError(f"{project.name} has no branch {branch} that counts", hint=f"its branches: {told}")
    for one in layout.complaints:
        if one.kind == "pipeline" and one.name == question.pipeline and one.name not in layout.pipelines:
            where = f"{one.problem.place.project}: {one.problem.place.where}"
            raise InputError(f"{where}: pipeline {one.name} is wrong: {one.problem.message}", hint=one.problem.hint)
    known = layout.pipelines
    config_missing = any(one.trusted and one.canonical in layout.missing for one in layout.tenant.projects)
    if known and question.pipeline not in known and not config_missing:
        raise InputError(f"there is no pipeline {question.pipeline}", hint=f"known: {', '.join(known)}")
    return project


def _branches_that_count(found: Listed, candidates: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    layout, here = found.layout, {*names(found.branch)}
    for name, branches in layout.branches.items():
        everywhere = layout.projects[name].trusted or len(branches) == 1
        yield from ((name, branch) for branch in branches if everywhere or branch in here)
        if layout.projects[name].trusted:
            yield name, layout.projects[name].load_branch or "master"
    for one in candidates:  # those that jobs took from an overridden checkout
        for definition in one.draft.chain if one.draft is not None else ():
            yield definition.origin.project.canonical, definition.origin.branch


def _candidate(found: Listed, name: str, named: Sequence[Definition]) -> Candidate:
    layout = found.layout
    if name not in layout.jobs and name != NOOP:
        elsewhere = not layout.tenant.known_only and not any(job_holds(entry, found.branch) for entry in named)
        why = spoiled_jobs(layout.complaints).get(name, "no repository defines it")
        return _left_out(name, "branch") if elsewhere else _undefined(name, name, why, named)
    if spoiled := [entry.body[WRONG] for entry in named if WRONG in entry.body]:
        return Candidate(PlannedJob(name, "error", f"error: {spoiled[0]}"), names=frozenset((name,)))
    holding = [entry for entry in named if job_holds(entry, found.branch)]
    try:
        draft, assumed = freeze(layout, found.branch, name, holding, found.jobs.variables)
        if draft is None or not holding:
            return _left_out(name, "branch" if draft is not None else "no-variant")
        check_limits(layout, holding)
        job = frozen(draft, name)
    except Refused as refused:
        return _refused(layout, name, refused, named)
    job = replace(job, parents=(*job.parents, *assumed))
    objection = _objection(found, draft, assumed)
    refused_as = None if objection is None else _refused(layout, name, objection, named)
    planned = PlannedJob(name, "matches", REASONS["matches"], job)
    return Candidate(planned, draft, (), frozenset((name, *job.parents)), assumed, refused_as)


def _objection(found: Listed, draft: Draft, assumed: Sequence[str]) -> Refused | None:
    """Why the job may not run; to one that does not run anyhow, Zuul has no objection."""
    try:
        check_runnable(found.layout, found.project, found.pipeline, draft, assumed)
    except Refused as refused:
        return refused
    return None


def _left_out(name: str, rule: str, more: str = "") -> Candidate:
    return Candidate(PlannedJob(name, rule, f"{REASONS[rule]}{more}"), names=frozenset((name,)))


def _undefined(name: str, unknown: str, why: str, named: Sequence[Definition]) -> Candidate:
    said = [entry.body["voting"] for entry in named if isinstance(entry.body.get("voting"), bool)]
    voting = said[-1] is not False if said else True
    planned = PlannedJob(name, "undefined", f"undefined: {why}", unknown=unknown, said_voting=voting)
    return Candidate(planned, names=frozenset((name, unknown)), unknown=(unknown,))


def _refused(layout: Layout, name: str, refused: Refused, named: Sequence[Definition]) -> Candidate:
    if no_variant(refused):
        return _left_out(name, "no-variant", f": {refused.message}")
    if refused.unknown and not layout.tenant.known_only:
        return _undefined(name, refused.unknown, f"its parent {refused.unknown} is defined elsewhere", named)
    return in_error(name, refused, named)


def _ruled(
    found: Listed,
    candidate: Candidate,
    changed: Sequence[str] | None,
    before: Layout | None,
    old: Callable[[], Mapping[str, Draft] | None],
) -> Candidate:
    """The candidate with the rule by which it runs or does not."""
    job, draft = candidate.planned.job, candidate.draft
    if job is None or draft is None:
        return candidate
    rule = relevant(job.files, job.irrelevant_files, changed) or "matches"
    if rule != "matches" and job.scalars.get("match-on-config-updates") is not False:
        if alters_own_files(found.project, changed, job):
            # Without a change there are only names of files: they take the job along as its file matchers would.
            rule = "matches" if before is None else "config-changed"
        elif before is not None and before is not found.layout and _is_another(draft, old()):
            rule = "config-changed"
    if rule in RUNNING and candidate.instead is not None:
        return candidate.instead
    if rule == "matches":
        return candidate
    return replace(candidate, planned=replace(candidate.planned, rule=rule, reason=REASONS[rule]))


def _is_another(draft: Draft, jobs: Mapping[str, Draft] | None) -> bool:
    """Whether the job was another one, or none, before the change."""
    if jobs is None:
        return False
    old = jobs.get(draft.name)
    return old is None or substance(old) != substance(draft)
