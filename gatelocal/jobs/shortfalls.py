"""What a plan lacks: the errors that touch its project, and the repositories that were not found; it mends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatelocal.jobs.zuul.layout import Complaint, Layout, may_configure, means
from gatelocal.model.plan import Missing, Place, PlannedJob, Problem
from gatelocal.model.tenant import TenantProject

MANY = 20
"""With more missing repositories than this, a name that could be in any of them is told without a repository."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a plan leans on.

    :ivar branches: (canonical name, branch) of all whose definitions count for a change to this branch.
    :ivar stanzas: the project's stanzas. :ivar templates: names of the templates that they use.
    :ivar names: the jobs and all their ancestors. :ivar unknown: those of them that nobody defines, with the job.
    """

    project: TenantProject
    branch: str
    branches: frozenset[tuple[str, str]]
    stanzas: frozenset[Place]
    templates: tuple[str, ...]
    names: frozenset[str]
    unknown: tuple[tuple[str, str], ...]
    jobs: tuple[PlannedJob, ...]


def errors(layout: Layout, used: Used, own: Sequence[Complaint]) -> tuple[tuple[Problem, ...], int]:
    """The problems that touch the project, and how many there are besides.

    :param own: what was found wrong while its jobs were made out.
    """
    # A job that is in error was told once; what the layout says of the same definition is the same mistake.
    told = {one.problem.place for one in own if one.kind == "job"}
    rest = [one for one in layout.complaints if one.kind != "job" or one.problem.place not in told]
    touching = [one.problem for one in rest if _touches(layout, one, used)]
    mine = dict.fromkeys((*(one.problem for one in own), *touching, *_unread(layout, used)))
    ordered = sorted(mine, key=lambda one: (one.place.project, one.place.branch, one.place.path, one.place.line))
    return tuple(ordered), len(rest) - len(touching)


def _unread(layout: Layout, used: Used) -> Iterator[Problem]:
    """Where no project stanza is there: the repositories that may have one and could not be read."""
    for project in () if used.stanzas else layout.tenant.projects:
        if project.canonical in layout.missing and "project" in project.loads and may_configure(project, used.project):
            why = f"its configuration cannot be read: {' '.join(layout.missing[project.canonical].split())}"
            own = project.canonical == used.project.canonical
            place = Place(project.name, used.branch if own else project.load_branch or "", "", 0)
            yield Problem(place, why, f"it may say what runs for {used.project.name}")


def _touches(layout: Layout, one: Complaint, used: Used) -> bool:
    here = one.project == used.project.canonical and (one.branch == used.branch or used.project.trusted)
    if one.problem.place in used.stanzas:
        return True
    if one.kind == "":  # what cannot be read may be the very thing that is not there
        lacking = bool(used.unknown) or (not used.stanzas and _counts(layout, one, used))
        return here or lacking or (one.name != "" and _is_stanza(layout, one, used))
    if one.kind == "job":
        return one.name in used.names and (here or (one.project, one.branch) in used.branches)
    if one.kind == "nodeset":
        return any(one.name == nodeset.name for job in used.jobs if job.job for nodeset in job.job.nodesets)
    if one.kind == "project":
        return _is_stanza(layout, one, used)
    return one.name in used.templates if one.kind == "project-template" else here and one.kind == "pragma"


def _is_stanza(layout: Layout, one: Complaint, used: Used) -> bool:
    return _counts(layout, one, used) and means(layout, one.name, layout.projects[one.project], used.project)


def _counts(layout: Layout, one: Complaint, used: Used) -> bool:
    """Whether a project stanza in that place may be about the project and the branch."""
    source = layout.projects[one.project]
    on_branch = source.trusted or one.branch == used.branch or (one.project, one.branch) in used.branches
    return on_branch and may_configure(source, used.project)


def missing(layout: Layout, used: Used) -> tuple[Missing, ...]:
    """The repositories that were not found, those that something here leans on first, with what."""
    sources, read = set(_required(layout, used)), {*_named(layout, used), *_guessed(layout, used)}
    needed: dict[str, dict[str, None]] = {}
    for repository, job in (*_required(layout, used), *_named(layout, used), *_guessed(layout, used)):
        needed.setdefault(repository, {})[job] = None
    for repository in layout.missing:
        needed.setdefault(repository, {})
    return tuple(
        Missing(
            _short(layout, name),
            tuple(jobs),
            _why(layout, name),
            tuple(job for job in jobs if (name, job) in sources - read),
        )
        for name, jobs in needed.items()
    )


def _required(layout: Layout, used: Used) -> Iterator[tuple[str, str]]:
    """Repositories whose source trees jobs need."""
    for planned in used.jobs:
        for required in planned.job.required_projects if planned.job is not None and planned.run else ():
            if required.name in layout.missing or required.name not in layout.projects:
                yield required.name, planned.name


def _named(layout: Layout, used: Used) -> Iterator[tuple[str, str]]:
    """Repositories whose files jobs name."""
    for planned in used.jobs:
        if planned.job is None or not planned.run:
            continue
        for role in planned.job.roles:
            if role.explicit and role.project in layout.missing:
                yield role.project, planned.name
    if used.project.canonical in layout.missing:
        names = [planned.name for planned in used.jobs] or [used.project.name]
        yield from ((used.project.canonical, name) for name in names)


def _guessed(layout: Layout, used: Used) -> Iterator[tuple[str, str]]:
    """Repositories that may define what nobody defines."""
    if not layout.incomplete:
        return
    for name, job in used.unknown:
        for repository in _candidates(layout, name, "job"):
            yield repository, job
    for name in used.templates:
        if name not in layout.templates:
            for repository in _candidates(layout, name, "project-template"):
                yield repository, name
    for planned in used.jobs:
        for nodeset in planned.job.nodesets if planned.job is not None and planned.run else ():
            if nodeset.name and not nodeset.known:
                for repository in _candidates(layout, nodeset.name, "nodeset"):
                    yield repository, planned.name


def _candidates(layout: Layout, name: str, kind: str) -> Iterable[str]:
    """The missing repositories whose name the definition's name begins with, else all that may define such a thing."""
    able = [one for one in layout.tenant.projects if one.canonical in layout.missing and kind in one.loads]
    if name == layout.tenant.default_parent:
        able = [one for one in able if one.trusted and one.base_jobs]
    begun = {one.canonical: _last(one) for one in able if f"{name}-".startswith(f"{_last(one)}-")}
    if begun:
        longest = max(map(len, begun.values()))
        return [canonical for canonical, last in begun.items() if len(last) == longest]
    return [one.canonical for one in able] if 0 < len(able) <= MANY else [""]


def _last(project: TenantProject) -> str:
    return project.name.rpartition("/")[2]


def _short(layout: Layout, canonical: str) -> str:
    project = layout.projects.get(canonical)
    if project is not None:
        return project.name
    hosts = {one.host for one in layout.tenant.projects if one.host}
    host, _, rest = canonical.partition("/")
    return rest if host in hosts else canonical


def _why(layout: Layout, canonical: str) -> str:
    if not layout.tenant.known_only and canonical not in layout.missing:
        return "only the project's own repository is read here"
    if not canonical and not layout.missing:
        return "a project that the tenant does not list"
    if not canonical:
        return f"one of the {len(layout.missing)} repositories that were not found"
    return layout.missing.get(canonical, "the tenant does not list it")
