"""What one project's jobs lean on, out of a tenant too large to read: name by name, each from where it lies.

A repository is read when something that the project's jobs need is likely to be defined there. One that cannot be had
is missing, and what is known of it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config import repositories, shipped, tenant_config
from gatelocal.config.plan_file import PlanFile
from gatelocal.config.shipped import Shipped
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Copy, Wanted
from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.jobs.zuul.checks import listed
from gatelocal.model.pattern import matches_whole
from gatelocal.model.stanza import Stanza, Tagged
from gatelocal.model.tenant import Repository, TenantProject

TRIES = 3
"""In how many repositories a name is looked for."""

Beside = Callable[[TenantProject], Path | None]
"""Where a copy of a project lies beside the person's own clone; None: nowhere."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What is needed to read.

    :ivar fresh: a copy beside the clone that is as good as the server's. :ivar old: another.
    """

    cache: StanzaCache
    copy: Copy
    fresh: Beside
    old: Beside


@dataclass(slots=True)
class _Reach:
    """What has been read so far."""

    file: PlanFile
    known: Shipped
    wanted: Wanted
    hands: Hands
    found: dict[str, Repository] = field(default_factory=dict)
    defined: dict[tuple[str, str], list[Stanza]] = field(default_factory=dict)
    stanzas: list[tuple[TenantProject, Stanza]] = field(default_factory=list)


def load(
    file: PlanFile, known: Shipped, wanted: Wanted, hands: Hands, pipelines: Sequence[str]
) -> tuple[Repository, ...]:
    """The configuration of every project of the tenant; of most it is only known that they are there.

    :param pipelines: whose jobs are of interest.
    """
    reach = _Reach(file, known, wanted, hands)
    own = known.project(wanted.project)
    for project in (*known.first, *(() if own is None else (own,))):
        _read(reach, project)
    waiting = [
        name for source, stanza in reach.stanzas if _about(own, source, stanza) for name in _asked(stanza, pipelines)
    ]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            _look(reach, name)
            for stanza in reach.defined.get(name, ()):
                waiting += _asked(stanza, pipelines)
    hands.cache.tidy()
    rest = (one for one in file.tenant.projects if one.canonical not in reach.found)
    return (*reach.found.values(), *(Repository(one, unread=True) for one in rest))


def _look(reach: _Reach, name: tuple[str, str]) -> None:
    """Read the repositories that a name is likely to be defined in, until one of them does."""
    tried = 0
    for project in reach.known.likely(name[1]):
        if name in reach.defined or tried == TRIES:
            return
        if project.canonical not in reach.found:
            tried += 1
            _read(reach, project)


def _read(reach: _Reach, project: TenantProject) -> None:
    if project.canonical in reach.found:
        return
    repository = _repository(reach, project)
    if repository.missing and (files := shipped.stand_in(reach.known, project)):
        repository = replace(repository, branches=("master",), files={"master": files})
    reach.found[project.canonical] = repository
    for files in (repository.files or {}).values():
        for stanza in (one for file in files for one in file.stanzas):
            reach.defined.setdefault((stanza.kind, stanza.name), []).append(stanza)
            if stanza.kind == "project":
                reach.stanzas.append((project, stanza))


def _repository(reach: _Reach, project: TenantProject) -> Repository:
    """The project's configuration from the first place that has it."""
    why = "no place is known where it may lie"
    for place in _places(reach, project):
        try:
            found = place()
            if found is not None:
                path, branches, remote = found
                return tenant_config.read(project, path, branches, reach.wanted, reach.hands.cache, remote)
        except (ConfigurationError, InfrastructureError) as error:
            why = ": ".join(part for part in (error.brief, error.details.partition("\n")[0]) if part)
    return Repository(project, missing=why)


_Where = tuple[Path, Sequence[str] | None, str]


def _places(reach: _Reach, project: TenantProject) -> Iterator[Callable[[], _Where | None]]:
    """Where it may lie: folders that are named, a fresh copy beside the clone, addresses, an older copy."""
    rules = [rule for rule in reach.file.rules if rule.means(project)]
    for rule in rules:
        if rule.url is None:
            path = tenant_config.path_of(reach.file, rule, project)
            if repositories.is_repository(path):
                yield lambda path=path, rule=rule: (path, rule.branches, rule.remote)  # type: ignore[misc]
    yield lambda: _beside(reach.hands.fresh, project)
    for rule in rules:
        if rule.url is not None:
            url = tenant_config.filled(rule.url, project)
            yield lambda url=url, rule=rule: (reach.hands.copy(project.name, url), rule.branches, rule.remote)  # type: ignore[misc]
    yield lambda: _beside(reach.hands.old, project)


def _beside(beside: Beside, project: TenantProject) -> _Where | None:
    path = beside(project)
    return None if path is None else (path, None, "origin")


def _about(own: TenantProject | None, source: TenantProject, stanza: Stanza) -> bool:
    if own is None:
        return False
    if not stanza.name:
        return source.canonical == own.canonical
    if stanza.name.startswith("^"):
        return any(matches_whole(stanza.name, name) for name in (own.name, own.canonical))
    return stanza.name in (own.name, own.canonical)


def _asked(stanza: Stanza, pipelines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The kinds and names that a definition leans on."""
    body = stanza.body
    if stanza.kind == "job":
        parent = body.get("parent")
        if isinstance(parent, str):
            yield "job", parent
        yield from _nodesets(body)
    elif stanza.kind in ("project", "project-template"):
        yield from (("project-template", str(name)) for name in listed(_plain(body.get("templates"))))
        for pipeline in pipelines:
            section = body.get(pipeline)
            yield from _of_jobs(section.get("jobs") if isinstance(section, Mapping) else None)


def _of_jobs(jobs: object) -> Iterator[tuple[str, str]]:
    for item in listed(_plain(jobs)):
        if isinstance(item, str):
            yield "job", item
        elif isinstance(item, Mapping):
            for name, body in item.items():
                yield "job", str(name)
                yield from _nodesets(body) if isinstance(body, Mapping) else ()


def _nodesets(body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    nodeset = _plain(body.get("nodeset"))
    if isinstance(nodeset, str):
        yield "nodeset", nodeset


def _plain(value: object) -> object:
    return value.value if isinstance(value, Tagged) else value
