"""What would run for a change: configuration, changes and their speculative merge meet here; nothing is run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config import plan_file, tenant_config, zuul_files
from gatelocal.config.clones import Clones
from gatelocal.config.directories import Directories
from gatelocal.config.files import changed_files, files_of_commit
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Commit, Wanted
from gatelocal.engine import place as places
from gatelocal.engine.collect import collect
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.errors import ConfigurationError, InputError, as_machinery
from gatelocal.jobs import freeze
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import Layout, lay_out
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.merged import MergedProject, SpeculativeState
from gatelocal.model.plan import Plan
from gatelocal.ports import Say, Source
from gatelocal.source.gerrit import GerritSource
from gatelocal.source.worktree import Target, WorktreeSource
from git_review import credentials
from git_review.gerrit import connect
from git_review.git.runner import Runner


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One question.

    :ivar change: as for :class:`GateRequest`; None: no change, unless nothing else says which project is meant.
    :ivar config: the file that says where configuration and repositories come from; None: the project's own
        repository alone is asked.
    :ivar files: the changed files, in place of the change's own; None: the change's own.
    """

    change: str | None = None
    config: Path | None = None
    tenant: str | None = None
    project: str | None = None
    branch: str | None = None
    pipeline: str | None = None
    files: tuple[str, ...] | None = None
    directory: Path = field(default_factory=Path)
    gerrit: str | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is planned: a project and a branch, with a change merged onto it or without one.

    :ivar before: the state without the change itself, with those that it depends on.
    """

    project: str
    branch: str
    changed: Sequence[str] | None = None
    now: Mapping[tuple[str, str], Commit] = field(default_factory=dict)
    before: Mapping[tuple[str, str], Commit] | None = None
    own: Commit | None = None
    notes: tuple[str, ...] = ()


def answer(request: PlanRequest, directories: Directories, environment: Mapping[str, str], say: Say) -> Plan:
    """Plan.

    :raises InputError: the request, or the file that it names, is no sensible one.
    :raises gatelocal.errors.GateError: as :meth:`gatelocal.engine.wiring.Gate.run` does, for a change.
    """
    with _subject(request, directories, environment, say) as subject:
        if request.config is None:
            found = _alone(request, subject)
        else:
            found = _in_tenant(request, request.config, subject, directories, say)
    return replace(found, notes=(*found.notes, *subject.notes))


def _in_tenant(request: PlanRequest, config: Path, subject: _Subject, directories: Directories, say: Say) -> Plan:
    file = plan_file.load(config, request.tenant)
    cache = StanzaCache(directories.cache / "stanzas")
    copy = Clones(directories.cache / "configuration", say).get

    def layout(instead: Mapping[tuple[str, str], Commit]) -> Layout:
        return lay_out(
            file.tenant, tenant_config.load(file, Wanted(subject.project, subject.branch, instead), cache, copy)
        )

    now = layout(subject.now)
    branch = subject.branch or _default_branch(now, subject.project)
    # Only what the change brings itself can alter a job: without any configuration in it, both layouts are one.
    extra = [path for one in file.tenant.projects if one.name == subject.project for path in one.extra_paths]
    altered = any(zuul_files.is_zuul_file(name, extra) for name in subject.changed or ())
    before = None if subject.before is None else layout(subject.before) if altered else now
    if request.pipeline is not None:
        return plan(now, Question(subject.project, branch, request.pipeline, subject.changed, before))
    for pipeline in freeze.PIPELINES:
        if not now.pipelines or pipeline in now.pipelines:
            found = plan(now, Question(subject.project, branch, pipeline, subject.changed, before))
            if found.jobs:
                return found
    raise InputError(
        f"{subject.project} runs no job in {' or '.join(freeze.PIPELINES)}", hint="name a pipeline with --pipeline"
    )


def _default_branch(layout: Layout, project: str) -> str:
    known = layout.project(project)
    branches = layout.branches.get(known.canonical, ()) if known is not None else ()
    return branches[0] if branches else "master"


def _alone(request: PlanRequest, subject: _Subject) -> Plan:
    """The plan by the project's own repository, with the shared jobs that are known by name."""
    if subject.own is None or subject.before is None:
        raise InputError(
            "without --config, the plan is about a change in this work tree or on its server",
            hint="name the file that says where the configuration comes from with --config",
        )
    own, pipelines = subject.own, (request.pipeline,) if request.pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration"):
        stanzas = zuul_files.load(files_of_commit(own.repository, own.id))
        old = subject.before[(subject.project, subject.branch)]
        try:
            before = zuul_files.load(files_of_commit(old.repository, old.id))
        except ConfigurationError:
            before = ()
    return freeze.plan_alone(
        freeze.alone(stanzas, subject.project, subject.branch),
        subject.project,
        subject.branch,
        pipelines=pipelines,
        changed=subject.changed,
        before=before,
    )


@contextlib.contextmanager
def _subject(
    request: PlanRequest, directories: Directories, environment: Mapping[str, str], say: Say
) -> Iterator[_Subject]:
    if request.project is not None:
        if request.change is not None:
            raise InputError("--project is for a plan without a change", hint="leave out the change, or --project")
        if request.config is None:
            raise InputError("--project needs --config", hint="the file says where the configuration comes from")
        yield _Subject(request.project, request.branch or "", request.files)
        return
    change = request.change or "HEAD"
    gate = GateRequest(change=change, directory=request.directory, branch=request.branch, gerrit=request.gerrit)
    place = places.find(gate, environment)
    source = _source(gate, place)
    merger = _merger(gate, place, directories, say)
    found = source.change(change)
    changes = collect(source, found)
    state = merger.merge(changes)
    try:
        own = state.find(found.project, found.branch)
        if own is None:
            raise AssertionError(f"the merger left out {found.name}")
        yield _merged(request, merger, state, own)
    finally:
        merger.release(state)


def _merged(request: PlanRequest, merger: Merger, state: SpeculativeState, own: MergedProject) -> _Subject:
    now = {(one.project, one.branch): Commit(merger.repository(one.project).path, one.commit) for one in state.merged}
    repository = merger.repository(own.project).path
    changed = request.files
    if changed is None:
        with as_machinery("listing the changed files"):
            changed = changed_files(repository, own.before_last, own.commit)
    return _Subject(
        project=own.project,
        branch=own.branch,
        changed=changed,
        now=now,
        before={**now, (own.project, own.branch): Commit(repository, own.before_last)},
        own=Commit(repository, own.commit),
    )


def _merger(request: GateRequest, place: Place, directories: Directories, say: Say) -> Merger:
    tree = None if places.on_server(request.change) else request.directory

    def remote(project: str) -> Remote:
        return Remote(project, place.url(project), tree if project == place.project else None)

    return Merger(Cache(directories.repositories, say=say), remote)


def _source(request: GateRequest, place: Place) -> Source:
    server = None
    if place.gerrit is not None:
        auth = credentials.find(place.gerrit, Runner(request.directory))
        server = GerritSource(connect(place.gerrit, auth=auth))
    if places.on_server(request.change) and server is not None:
        return server
    tracking = f"refs/remotes/{place.remote}/{place.branch}"
    return WorktreeSource(request.directory, Target(place.project, place.branch, tracking), server)
