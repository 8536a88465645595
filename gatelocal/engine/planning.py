"""What would run for a change: configuration, changes and their speculative merge meet here; nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gatelocal.config import plan_file, tenant_config, zuul_files
from gatelocal.config.clones import Clones
from gatelocal.config.directories import Directories
from gatelocal.config.files import files_of_commit
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Commit, Wanted
from gatelocal.engine import elsewhere
from gatelocal.engine.elsewhere import second_opinion
from gatelocal.engine.subject import PlanRequest, Subject, subject_of
from gatelocal.errors import ConfigurationError, InputError, as_machinery
from gatelocal.jobs import freeze
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import Layout, lay_out
from gatelocal.model.plan import Plan, QueuedChange
from gatelocal.model.stanza import Stanza
from gatelocal.ports import Say


def answer(request: PlanRequest, directories: Directories, environment: Mapping[str, str], say: Say) -> Plan:
    """Plan.

    :raises InputError: the request, or the file that it names, is no sensible one.
    :raises gatelocal.errors.GateError: as :meth:`gatelocal.engine.wiring.Gate.run` does, for a change.
    """
    if request.config is None and (request.zuul or request.queue):
        raise InputError(
            "--from-zuul and --queue need --config", hint="the file says which tenant and which projects are meant"
        )
    found, subject = _planned(request, directories, environment, say)
    if request.queue:
        found = _behind_queue(request, request.queue, found, subject, (directories, environment, say))
    if request.zuul and request.config is not None:
        bare = replace(subject, changed=None, now={}, before=None)
        here = _in_tenant(replace(request, pipeline=found.pipeline), request.config, bare, directories, say)
        tenant = plan_file.load(request.config, request.tenant).tenant.name
        found = replace(found, opinion=second_opinion(request.zuul, tenant, here, say))
    return found


def _planned(
    request: PlanRequest,
    directories: Directories,
    environment: Mapping[str, str],
    say: Say,
    ahead: Sequence[QueuedChange] = (),
) -> tuple[Plan, Subject]:
    with subject_of(request, directories, environment, say, ahead) as subject:
        if request.config is None:
            found = _alone(request, subject)
        else:
            found = _in_tenant(request, request.config, subject, directories, say)
    return replace(found, notes=(*found.notes, *subject.notes)), subject


def _behind_queue(
    request: PlanRequest, place: str, found: Plan, subject: Subject, hands: tuple[Directories, Mapping[str, str], Say]
) -> Plan:
    """The plan with what is queued before the change: merged before it, or, without a change, only told."""
    assert request.config is not None  # noqa: S101 - asked by the caller
    tenant = plan_file.load(request.config, request.tenant).tenant.name
    queued = elsewhere.ahead(place, tenant, found, subject.number)
    if request.project is not None or not queued:
        return replace(found, ahead=queued)
    again, with_queue = _planned(replace(request, pipeline=found.pipeline), *hands, queued)
    taken = set(with_queue.taken)
    return replace(again, ahead=tuple(replace(one, taken=one in taken) for one in queued))


def _in_tenant(request: PlanRequest, config: Path, subject: Subject, directories: Directories, say: Say) -> Plan:
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
    empty: list[Plan] = []
    for pipeline in freeze.PIPELINES:
        if not now.pipelines or pipeline in now.pipelines:
            found = plan(now, Question(subject.project, branch, pipeline, subject.changed, before))
            if found.jobs:
                return found
            empty.append(found)
    return _with_errors(subject.project, empty)


def _with_errors(project: str, plans: Sequence[Plan]) -> Plan:
    """The first of several plans without a job that says what is wrong.

    :raises InputError: none does; with the repositories that may say more and were not found.
    """
    for found in plans:
        if found.errors:
            return found
    lacking = dict.fromkeys(
        f"{one.repository}: {one.why}" for found in plans for one in found.missing if one.needed_for
    )
    raise InputError(
        f"{project} runs no job in {' or '.join(freeze.PIPELINES)}",
        details="\n".join(lacking),
        hint="name a pipeline with --pipeline",
    )


def _default_branch(layout: Layout, project: str) -> str:
    known = layout.project(project)
    branches = layout.branches.get(known.canonical, ()) if known is not None else ()
    return branches[0] if branches else "master"


def _alone(request: PlanRequest, subject: Subject) -> Plan:
    """The plan by the project's own repository, with the shared jobs that are known by name."""
    if subject.own is None:
        raise InputError(
            "without --config, the plan is about a change in this work tree or on its server",
            hint="name the file that says where the configuration comes from with --config",
        )
    own, pipelines = subject.own, (request.pipeline,) if request.pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration"):
        stanzas = zuul_files.load(files_of_commit(own.repository, own.id))
        before: Sequence[Stanza] | None = None
        if subject.before is not None:
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
