"""What runs for a change to a project, and why: a layout and a question → a plan; nothing is read and nothing is run.

Source of the rules: Zuul's way of freezing a job graph. Where Zuul would give up on the whole project, the jobs that
are not touched are planned all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gatelocal.errors import InputError
from gatelocal.jobs import shortfalls
from gatelocal.jobs.candidate import Candidate, in_error
from gatelocal.jobs.needs import with_dependencies
from gatelocal.jobs.zuul.apply import apply
from gatelocal.jobs.zuul.checks import listed
from gatelocal.jobs.zuul.definitions import Definition, entries, job_holds, stanza_holds, template_holds
from gatelocal.jobs.zuul.draft import Draft, Refused, frozen
from gatelocal.jobs.zuul.layout import NOOP, Layout, spoiled_jobs, stanzas_of, too_long
from gatelocal.jobs.zuul.match import Matcher, relevant
from gatelocal.jobs.zuul.schema import WRONG
from gatelocal.jobs.zuul.variables import merged
from gatelocal.jobs.zuul.variants import chain_of, no_variant
from gatelocal.model.plan import RUNNING, FilePattern, FrozenJob, Nodeset, Place, Plan, PlannedJob
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


@dataclass(slots=True)
class _JobList:
    """What the project's stanzas say for one pipeline on one branch."""

    entries: dict[str, list[Definition]] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    stanzas: list[Definition] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    seen: set[tuple[str, Place, str]] = field(default_factory=set)


def plan(layout: Layout, question: Question) -> Plan:
    """The answer.

    :raises InputError: the tenant has no such project, branch or pipeline.
    """
    project = _project(layout, question)
    jobs = _job_list(layout, project, question)
    candidates = [_candidate(layout, project, question, name, found, jobs) for name, found in jobs.entries.items()]
    candidates = with_dependencies(layout, candidates)
    used = _used(layout, project, question, jobs, candidates)
    touching, others = shortfalls.errors(layout, used, [one for job in candidates for one in job.complaints])
    return Plan(
        project=project.name,
        branch=question.branch,
        pipeline=question.pipeline,
        queue=_queue(layout, project, question.branch),
        jobs=tuple(one.planned for one in candidates),
        errors=touching,
        missing=shortfalls.missing(layout, used),
        other_errors=others,
    )


def _used(
    layout: Layout, project: TenantProject, question: Question, jobs: _JobList, candidates: Sequence[Candidate]
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


def _job_list(layout: Layout, project: TenantProject, question: Question) -> _JobList:
    """The project's stanzas that hold on the branch, and the templates that they name, in Zuul's order."""
    found = _JobList()
    for stanza in stanzas_of(layout, project):
        if not stanza_holds(stanza, question.branch, project):
            continue
        found.stanzas.append(stanza)
        for name in dict.fromkeys(listed(stanza.body.get("templates"))):
            found.templates.append(str(name))
            for template in layout.templates.get(str(name), ()):
                if question.pipeline in template.body and template_holds(template, question.branch):
                    _extend(found, template, question.pipeline)
                    found.variables = merged(found.variables, _variables(template))
        found.variables = merged(found.variables, _variables(stanza))
        _extend(found, stanza, question.pipeline)
    return found


def _extend(found: _JobList, stanza: Definition, pipeline: str) -> None:
    for entry in entries(stanza, pipeline) or ():
        key = (entry.name, entry.place, repr(entry.body))
        if key not in found.seen:  # a template that two stanzas name counts once
            found.seen.add(key)
            found.entries.setdefault(entry.name, []).append(entry)


def _variables(stanza: Definition) -> Mapping[str, object]:
    value = stanza.body.get("vars")
    return value if isinstance(value, Mapping) else {}


def _candidate(
    layout: Layout, project: TenantProject, question: Question, name: str, named: Sequence[Definition], jobs: _JobList
) -> Candidate:
    if name not in layout.jobs and name != NOOP:
        return _undefined(name, name, spoiled_jobs(layout.complaints).get(name, "no repository defines it"))
    if spoiled := [entry.body[WRONG] for entry in named if WRONG in entry.body]:
        return Candidate(PlannedJob(name, "error", f"error: {spoiled[0]}"), names=frozenset((name,)))
    holding = [entry for entry in named if job_holds(entry, question.branch)]
    try:
        draft, assumed = _freeze(layout, question.branch, name, holding, jobs.variables)
        if draft is None or not holding:
            return _left_out(name, "branch" if draft is not None else "no-variant")
        if draft.abstract:
            raise Refused(f"job {name} is abstract: it is there to be inherited from, not to run", hint="name a child")
        _check_limits(layout, holding)
        job = frozen(draft, name)
        job = replace(job, parents=(*job.parents, *assumed))
        rule = _rule(layout, project, question, draft, jobs)
        if rule in RUNNING:  # to a job that does not run anyhow, Zuul has no objection
            _check_runnable(layout, project, question, draft, assumed)
    except Refused as refused:
        return _refused(layout, name, refused, named)
    return Candidate(
        PlannedJob(name, rule, REASONS[rule], job),
        draft,
        names=frozenset((name, *job.parents)),
        unknown=assumed,
    )


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


def _freeze(
    layout: Layout, branch: str, name: str, holding: Sequence[Definition], variables: Mapping[str, object]
) -> tuple[Draft | None, tuple[str, ...]]:
    """The job with all that applies to it, and the ancestors that had to be assumed; no draft without a variant."""
    draft = Draft(name=name)
    assumed: tuple[str, ...] = ()
    if name == NOOP:
        draft = replace(draft, final="built in", scalars={"deduplicate": True})
    else:
        chain = chain_of(layout, name, branch, holding)
        if chain is None:
            return None, ()
        assumed = chain.assumed
        for definition in chain.definitions:
            draft = apply(draft, definition, layout)
    draft = replace(draft, name=name, variables=merged(variables, draft.variables))
    for entry in holding:
        draft = apply(draft, entry, layout)
        _check_image(layout, draft, entry)
        if entry.origin.project.trusted:
            draft = replace(draft, any_project=True)
    elsewhere = bool(assumed) or not layout.tenant.known_only
    if elsewhere and name != NOOP and not any("nodeset" in one.body for one in draft.chain):
        draft = replace(draft, nodesets=(Nodeset(known=False),))  # an ancestor that is not here may well have one
    return draft, assumed


def _check_image(layout: Layout, draft: Draft, entry: Definition) -> None:
    """An image is built for the stanzas of the project that defines it (Zuul)."""
    name = draft.scalars.get("image-build-name")
    if not isinstance(name, str) or not name:
        return
    image = layout.images.get(name)
    if image is None:
        if layout.tenant.known_only and not layout.incomplete:
            raise Refused(f"there is no image {name}, which job {draft.name} builds", entry)
    elif image.origin.project.canonical != entry.origin.project.canonical:
        raise Refused(f"image {name} is defined in {image.origin.project.name}, whose stanzas alone build it", entry)


def _check_limits(layout: Layout, holding: Sequence[Definition]) -> None:
    for entry in holding:
        if problem := too_long(layout.tenant, entry.body):
            raise Refused(problem, entry)


def _check_runnable(
    layout: Layout, project: TenantProject, question: Question, draft: Draft, assumed: Sequence[str]
) -> None:
    name = draft.name
    if draft.allowed is not None and not draft.any_project and project.name not in draft.allowed:
        raise Refused(f"job {name} may be run by {', '.join(sorted(draft.allowed))} only")
    pipeline = layout.pipelines.get(question.pipeline)
    if draft.post_review and pipeline is not None and pipeline.body.get("post-review") is not True:
        raise Refused(
            f"job {name} is for reviewed changes only (post-review, or a secret), which {question.pipeline} is not for"
        )
    if draft.run or name == NOOP or tuple(assumed) == (layout.tenant.default_parent,):
        return
    if assumed:
        raise Refused(
            f"there is no job {assumed[0]}, an ancestor, and job {name} has no playbook of its own",
            hint="is the repository that defines it in the tenant?",
            unknown=assumed[0],
        )
    raise Refused(f"job {name} has no playbook to run")


def _rule(layout: Layout, project: TenantProject, question: Question, draft: Draft, jobs: _JobList) -> str:
    job = frozen(draft, draft.name)
    kept = relevant(_matchers(job.files), _matchers(job.irrelevant_files), question.changed)
    if not kept:
        return "matches"
    if job.scalars.get("match-on-config-updates") is False:
        return kept
    if _alters_own_files(project, question, job):
        # Without a change there are only names of files: they take the job along as its file matchers would.
        return "matches" if question.before is None else "config-changed"
    return "config-changed" if _definition_changed(layout, question, draft) else kept


def _matchers(patterns: Sequence[FilePattern] | None) -> tuple[Matcher, ...] | None:
    return None if patterns is None else tuple(Matcher(one.regex, one.negate) for one in patterns)


def _alters_own_files(project: TenantProject, question: Question, job: FrozenJob) -> bool:
    changed = set(question.changed or ())
    books = (*job.pre_run, *job.run, *job.post_run, *job.cleanup_run)
    if any(book.project == project.canonical and book.path in changed for book in books):
        return True
    included = job.lists.get("include-vars", ())
    return any(isinstance(one, tuple) and one[0] in ("", project.canonical) and one[1] in changed for one in included)


def _definition_changed(layout: Layout, question: Question, draft: Draft) -> bool:
    """Whether the job was another one, or none, before the change; not when it was wrong before."""
    before = question.before
    if before is None or before is layout:
        return False
    project = before.project(question.project)
    if project is None:
        return False
    old_jobs = _job_list(before, project, question)
    name = draft.name
    holding = [one for one in old_jobs.entries.get(name, ()) if job_holds(one, question.branch)]
    if not holding or (name not in before.jobs and name != NOOP):
        return True
    try:
        old, _ = _freeze(before, question.branch, name, holding, old_jobs.variables)
    except Refused:
        return False
    return old is None or _substance(old) != _substance(draft)


def _substance(draft: Draft) -> tuple[FrozenJob, object, object]:
    """The job without its file matchers, description and places, of which a change is no reason to run it (Zuul).

    Its own parent counts, whatever comes of it, and the branches that a definition names.
    """
    job = frozen(draft, draft.name)
    scalars = {key: value for key, value in job.scalars.items() if key != "description"}
    bare = replace(job, scalars=scalars, parents=(), files=None, irrelevant_files=None, defined_in=(), chain=())
    return bare, _last_said(draft, "parent"), _last_said(draft, "branches")


def _last_said(draft: Draft, key: str) -> object:
    return next((one.body[key] for one in reversed(draft.chain) if key in one.body), None)


def _queue(layout: Layout, project: TenantProject, branch: str) -> str | None:
    """The branch's own queue, if one is assigned to it; else the first one that is named, unless it is for branches."""
    named = [pair for stanza in stanzas_of(layout, project) for pair in _queues_named(layout, stanza, project, branch)]
    own = [name for name, holds in named if holds and _by_branch(layout, name)]
    if own:
        return own[0]
    return named[0][0] if named and not _by_branch(layout, named[0][0]) else None


def _by_branch(layout: Layout, queue: str) -> bool:
    definition = layout.queues.get(queue)
    return definition is not None and definition.body.get("type") == "branch-assigned"


def _queues_named(
    layout: Layout, stanza: Definition, project: TenantProject, branch: str
) -> Iterator[tuple[str, bool]]:
    if isinstance(name := stanza.body.get("queue"), str):
        yield name, stanza_holds(stanza, branch, project)
    for template_name in listed(stanza.body.get("templates")):
        for template in layout.templates.get(str(template_name), ()):
            if isinstance(name := template.body.get("queue"), str):
                yield name, template_holds(template, branch)
