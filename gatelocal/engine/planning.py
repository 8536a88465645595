"""What would run for a change: configuration, changes and their speculative merge meet here; nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatelocal.config import zuul_files
from gatelocal.config.directories import Directories
from gatelocal.config.files import files_of_commit
from gatelocal.config.tenant_config import Commit
from gatelocal.engine import elsewhere
from gatelocal.engine.elsewhere import second_opinion
from gatelocal.engine.subject import PlanRequest, Subject, subject_of
from gatelocal.engine.tenancy import Asked, Tenancy, layout
from gatelocal.engine.tenancy import find as find_tenancy
from gatelocal.errors import ConfigurationError, InputError, as_machinery
from gatelocal.jobs import freeze
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import Layout
from gatelocal.model.plan import Plan, QueuedChange
from gatelocal.model.refs import name_of
from gatelocal.model.stanza import Stanza
from gatelocal.ports import Say


def answer(request: PlanRequest, directories: Directories, environment: Mapping[str, str], say: Say) -> Plan:
    """Plan.

    :raises InputError: the request, or the file that it names, is no sensible one.
    :raises gatelocal.errors.GateError: as :meth:`gatelocal.engine.gate.Gate.run` does, for a change.
    """
    hands = (directories, environment, say)
    found, subject, tenancy = _planned(request, hands)
    if not (request.queue or request.zuul):
        return found
    if tenancy is None:
        raise InputError(
            "--from-zuul and --queue need --config", hint="the file says which tenant and which projects are meant"
        )
    if request.queue:
        found = _behind_queue(request, tenancy, found, subject, hands)
    if request.zuul:
        bare = replace(subject, changed=None, now={}, before=None)
        _, here = in_tenant(tenancy, bare, found.pipeline, (directories, say))
        found = replace(found, opinion=second_opinion(request.zuul, tenancy.file.tenant.name, here, say))
    return found


_Hands = tuple[Directories, Mapping[str, str], Say]


def _planned(
    request: PlanRequest, hands: _Hands, ahead: Sequence[QueuedChange] = ()
) -> tuple[Plan, Subject, Tenancy | None]:
    directories, _, say = hands
    with subject_of(request, *hands, ahead) as subject:
        asked = Asked(request.config, request.tenant, request.directory, subject.project)
        tenancy = find_tenancy(asked, subject.place, directories)
        if tenancy is None:
            found = _alone(request, subject)
        else:
            _, found = in_tenant(tenancy, subject, request.pipeline, (directories, say))
            found = replace(found, notes=(*found.notes, *unused(subject.own)))
    return replace(found, notes=(*found.notes, *subject.notes)), subject, tenancy


def unused(own: Commit | None, stanzas: Sequence[Stanza] = ()) -> tuple[str, ...]:
    """What is to be told of configuration of the project's own that does not count. :param stanzas: those that do."""
    if own is None:
        return ()
    with as_machinery("reading the project's configuration"):
        return zuul_files.unused(files_of_commit(own.repository, own.id), stanzas)


def _behind_queue(request: PlanRequest, tenancy: Tenancy, found: Plan, subject: Subject, hands: _Hands) -> Plan:
    """The plan with what is queued before the change: merged before it, or, without a change, only told."""
    queued = elsewhere.ahead(request.queue or "", tenancy.file.tenant.name, found, subject.number)
    if request.project is not None or not queued:
        return replace(found, ahead=queued)
    again, with_queue, _ = _planned(replace(request, pipeline=found.pipeline), hands, queued)
    taken = set(with_queue.taken)
    return replace(again, ahead=tuple(replace(one, taken=one in taken) for one in queued))


def in_tenant(
    tenancy: Tenancy, subject: Subject, pipeline: str | None, hands: tuple[Directories, Say]
) -> tuple[Layout, Plan]:
    """The plan by a whole tenant's configuration, with the layout that it comes from.

    :raises InputError: the tenant has no such project, branch or pipeline, or the project no job.
    """
    empty: list[Plan] = []
    layouts: dict[tuple[str, ...], tuple[Layout, Layout | None]] = {}
    for name in (pipeline,) if pipeline is not None else freeze.PIPELINES:
        asked = (name,) if tenancy.known is not None else ()  # else all is read, whatever the pipeline
        if asked not in layouts:
            layouts[asked] = _layouts(tenancy, subject, asked, hands)
        now, before = layouts[asked]
        if pipeline is None and now.pipelines and name not in now.pipelines:
            continue
        branch = subject.branch or _default_branch(now, subject.project)
        found = freeze.with_lacks(now, plan(now, Question(subject.project, branch, name, subject.changed, before)))
        if found.jobs or pipeline is not None:
            return now, found
        empty.append(found)
    return now, _with_errors(subject.project, empty)


def _layouts(
    tenancy: Tenancy, subject: Subject, pipelines: Sequence[str], hands: tuple[Directories, Say]
) -> tuple[Layout, Layout | None]:
    """The layout, and the one without the change; none where there is no change."""
    # What a tag has says nothing of how it is tested: the branches do.
    wanted = (subject.project, subject.branch if isinstance(subject.branch, str) else "")
    now = layout(tenancy, wanted, subject.now, pipelines, hands)
    if subject.before is None:
        return now, None
    # Only what the change brings itself can alter a job: without any configuration in it, both layouts are one.
    extra = [path for one in tenancy.file.tenant.projects if one.name == subject.project for path in one.extra_paths]
    altered = any(zuul_files.is_zuul_file(name, extra) for name in subject.changed or ())
    return now, layout(tenancy, wanted, subject.before, pipelines, hands) if altered else now


def _with_errors(project: str, plans: Sequence[Plan]) -> Plan:
    """The first of several plans without a job that says what is wrong.

    :raises InputError: none does; with the repositories that may say more and were not found.
    """
    for found in plans:
        if found.errors:
            return found
    lacking = dict.fromkeys(
        f"{one.repository}: {one.why}"
        for found in plans
        for one in found.missing
        if set(one.needed_for) - set(one.required_by)
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
            f"nothing is known of {subject.project} here: no tenant lists it, and there is no change of it",
            hint="name the file that says where the configuration comes from with --config, or start in a work tree",
        )
    branch = name_of(subject.branch)
    own, pipelines = subject.own, (request.pipeline,) if request.pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration"):
        stanzas = zuul_files.load(files_of_commit(own.repository, own.id))
        before: Sequence[Stanza] | None = None
        if subject.before is not None:
            old = subject.before[(subject.project, branch)]
            try:
                before = zuul_files.load(files_of_commit(old.repository, old.id))
            except ConfigurationError:
                before = ()
    found = freeze.plan_alone(
        freeze.alone(stanzas, subject.project, branch),
        subject.project,
        branch,
        pipelines=pipelines,
        changed=subject.changed,
        before=before,
    )
    return replace(found, notes=(*found.notes, *unused(own, stanzas)))
