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
from gatelocal.jobs.zuul.match import Matcher, relevant
from gatelocal.jobs.zuul.schema import WRONG
from gatelocal.jobs.zuul.variants import no_variant
from gatelocal.model.plan import RUNNING, FilePattern, Plan, PlannedJob
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
    branch: str
    pipeline: str
    changed: Sequence[str] | None = None
    before: Layout | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with what it means in a layout.

    :ivar old: the jobs as they were before the change; None when that configuration froze no job graph.
    """

    layout: Layout
    project: TenantProject
    question: Question
    jobs: JobList
    old: Callable[[], Mapping[str, Draft] | None]


def plan(layout: Layout, question: Question) -> Plan:
    """The answer.

    :raises InputError: the tenant has no such project, branch or pipeline.
    """
    project = _project(layout, question)
    jobs = job_list(layout, project, question.branch, question.pipeline)
    candidates = _candidates(_Asked(layout, project, question, jobs, cache(lambda: _old_jobs(question))))
    used = _used(layout, project, question, jobs, candidates)
    touching, others = shortfalls.errors(layout, used, [one for job in candidates for one in job.complaints])
    return Plan(
        project=project.name,
        branch=question.branch,
        pipeline=question.pipeline,
        queue=queue_of(layout, project, question.branch),
        jobs=tuple(one.planned for one in candidates),
        errors=touching,
        missing=shortfalls.missing(layout, used),
        other_errors=others,
    )


def _candidates(asked: _Asked) -> list[Candidate]:
    found = [_candidate(asked, name, named) for name, named in asked.jobs.entries.items()]
    return with_dependencies(asked.layout, found)


def _old_jobs(question: Question) -> Mapping[str, Draft] | None:
    """All jobs before the change, whatever files it touches.

    None when one of them could not be: then nobody knows which the change has altered, and Zuul leaves all of them to
    their file matchers.
    """
    layout = question.before
    project = layout.project(question.project) if layout is not None else None
    if layout is None or project is None:
        return None
    jobs = job_list(layout, project, question.branch, question.pipeline)
    known = layout.tenant.known_only and not layout.incomplete
    if known and any(name not in layout.templates for name in jobs.templates):
        return None
    bare = replace(question, changed=None, before=None)
    found = _candidates(_Asked(layout, project, bare, jobs, lambda: None))
    if known and any(one.planned.rule in ("error", "undefined") for one in found):
        return None
    return {one.planned.name: one.draft for one in found if one.draft is not None}


def _used(
    layout: Layout, project: TenantProject, question: Question, jobs: JobList, candidates: Sequence[Candidate]
) -> shortfalls.Used:
    return shortfalls.Used(
        project=project,
        branch=question.branch,
        branches=frozenset(_branches_that_count(layout, question, candidates)),
        stanzas=frozenset(stanza.place for stanza in jobs.stanzas),
        templates=tuple(dict.fromkeys(jobs.templates)),
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
    if branches and question.branch not in branches and not project.dynamic_branches:
        told = ", ".join(branches[:20])
        raise InputError(f"{project.name} has no branch {question.branch} that counts", hint=f"its branches: {told}")
    for one in layout.complaints:
        if one.kind == "pipeline" and one.name == question.pipeline and one.name not in layout.pipelines:
            where = f"{one.problem.place.project}: {one.problem.place.where}"
            raise InputError(f"{where}: pipeline {one.name} is wrong: {one.problem.message}", hint=one.problem.hint)
    known = layout.pipelines
    config_missing = any(one.trusted and one.canonical in layout.missing for one in layout.tenant.projects)
    if known and question.pipeline not in known and not config_missing:
        raise InputError(f"there is no pipeline {question.pipeline}", hint=f"known: {', '.join(known)}")
    return project


def _branches_that_count(
    layout: Layout, question: Question, candidates: Sequence[Candidate]
) -> Iterator[tuple[str, str]]:
    for name, branches in layout.branches.items():
        everywhere = layout.projects[name].trusted or len(branches) == 1
        yield from ((name, branch) for branch in branches if everywhere or branch == question.branch)
        if layout.projects[name].trusted:
            yield name, layout.projects[name].load_branch or "master"
    for one in candidates:  # those that jobs took from an overridden checkout
        for definition in one.draft.chain if one.draft is not None else ():
            yield definition.origin.project.canonical, definition.origin.branch


def _candidate(asked: _Asked, name: str, named: Sequence[Definition]) -> Candidate:
    layout, question = asked.layout, asked.question
    if name not in layout.jobs and name != NOOP:
        return _undefined(name, name, spoiled_jobs(layout.complaints).get(name, "no repository defines it"))
    if spoiled := [entry.body[WRONG] for entry in named if WRONG in entry.body]:
        return Candidate(PlannedJob(name, "error", f"error: {spoiled[0]}"), names=frozenset((name,)))
    holding = [entry for entry in named if job_holds(entry, question.branch)]
    try:
        draft, assumed = freeze(layout, question.branch, name, holding, asked.jobs.variables)
        if draft is None or not holding:
            return _left_out(name, "branch" if draft is not None else "no-variant")
        check_limits(layout, holding)
        rule = _rule(asked, draft)
    except Refused as refused:
        return _refused(layout, name, refused, named)
    objection = _objection(asked, draft, assumed)
    if objection is not None and rule in RUNNING:
        return _refused(layout, name, objection, named)
    job = frozen(draft, name)
    job = replace(job, parents=(*job.parents, *assumed))
    names, unknown = frozenset((name, *job.parents)), assumed
    return Candidate(PlannedJob(name, rule, REASONS[rule], job), draft, (), names, unknown, objection)


def _objection(asked: _Asked, draft: Draft, assumed: Sequence[str]) -> Refused | None:
    """Why the job may not run; to one that does not run anyhow, Zuul has no objection."""
    try:
        check_runnable(asked.layout, asked.project, asked.question.pipeline, draft, assumed)
    except Refused as refused:
        return refused
    return None


def _left_out(name: str, rule: str, more: str = "") -> Candidate:
    return Candidate(PlannedJob(name, rule, f"{REASONS[rule]}{more}"), names=frozenset((name,)))


def _undefined(name: str, unknown: str, why: str) -> Candidate:
    planned = PlannedJob(name, "undefined", f"undefined: {why}", unknown=unknown)
    return Candidate(planned, names=frozenset((name, unknown)), unknown=(unknown,))


def _refused(layout: Layout, name: str, refused: Refused, named: Sequence[Definition]) -> Candidate:
    if no_variant(refused):
        return _left_out(name, "no-variant", f": {refused.message}")
    if refused.unknown and not layout.tenant.known_only:
        return _undefined(name, refused.unknown, f"its parent {refused.unknown} is defined elsewhere")
    return in_error(name, refused, named)


def _rule(asked: _Asked, draft: Draft) -> str:
    job, question = frozen(draft, draft.name), asked.question
    kept = relevant(_matchers(job.files), _matchers(job.irrelevant_files), question.changed)
    if not kept:
        return "matches"
    if job.scalars.get("match-on-config-updates") is False:
        return kept
    if alters_own_files(asked.project, question.changed, job):
        # Without a change there are only names of files: they take the job along as its file matchers would.
        return "matches" if question.before is None else "config-changed"
    return "config-changed" if _definition_changed(asked, draft) else kept


def _matchers(patterns: Sequence[FilePattern] | None) -> tuple[Matcher, ...] | None:
    return None if patterns is None else tuple(Matcher(one.regex, one.negate) for one in patterns)


def _definition_changed(asked: _Asked, draft: Draft) -> bool:
    """Whether the job was another one, or none, before the change."""
    if asked.question.before is None or asked.question.before is asked.layout:
        return False
    jobs = asked.old()
    if jobs is None:
        return False
    old = jobs.get(draft.name)
    return old is None or substance(old) != substance(draft)
