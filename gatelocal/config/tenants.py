"""The tenant syntax of Zuul's main.yaml → a tenant; which connections there are is told by the caller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gatelocal.errors import InputError
from gatelocal.model.tenant import CONFIG_KINDS, Tenant, TenantProject

_PROVIDER_KINDS = frozenset("image flavor label section provider".split())
_PROJECT_KEYS = frozenset(
    (
        "include exclude shadow include-provider-config exclude-unprotected-branches exclude-locked-branches"
        " extra-config-paths load-branch include-branches exclude-branches always-dynamic-branches"
        " allow-circular-dependencies implied-branch-matchers configure-projects allow-reporter-jobs allow-base-jobs"
    ).split()
)
_NODES, _SECONDS = 5, 10800  # Zuul's own limits for a job of a tenant that sets none
_PLAIN_PATH = re.compile(r"(?!/)[^\0-\x1f]+")


@dataclass(frozen=True, slots=True)
class _Source:
    """One connection's part of a tenant. :ivar where: for errors."""

    host: str
    trusted: bool
    where: str


def tenant_of(value: object, hosts: Mapping[str, str], file: str) -> Tenant:
    """Read the value of a ``tenant:`` key.

    :param hosts: for each connection, its canonical host name; one that is not there goes by its own name.
    :param file: for errors.
    :raises InputError: it is none; the message names file, key and what was expected.
    """
    body = _mapping(value, file, "tenant")
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"{file}: tenant: it has no name")
    projects: list[TenantProject] = []
    sources = _mapping(body.get("source", {}), file, "source")
    for key, trusted in (("config-projects", True), ("untrusted-projects", False)):
        for connection, section in sources.items():
            where = f"{file}: {connection}: {key}"
            source = _Source(hosts.get(str(connection), str(connection)), trusted, where)
            loads = CONFIG_KINDS | _PROVIDER_KINDS if trusted else CONFIG_KINDS
            for item in _list(_mapping(section, file, str(connection)).get(key)):
                projects += _projects(item, source, loads)
    _refuse_twice(projects, file)
    return Tenant(
        name=name,
        projects=tuple(projects),
        default_parent=_text(body.get("default-parent", "base"), f"{file}: default-parent"),
        max_nodes=_limit(body.get("max-nodes-per-job", _NODES), f"{file}: max-nodes-per-job"),
        max_timeout=_limit(body.get("max-job-timeout", _SECONDS), f"{file}: max-job-timeout"),
    )


def _projects(item: object, source: _Source, loads: frozenset[str]) -> Iterator[TenantProject]:
    """A name, a name with its settings, or a group of projects with settings in common."""
    if isinstance(item, str):
        yield TenantProject(item, source.host, source.trusted, loads)
        return
    body = _mapping(item, source.where, "a project")
    if "projects" in body and len(body) > 1:
        inner = _loads(body, loads, source.where)
        for one in _list(body["projects"]):
            yield from _projects(one, source, inner)
    elif len(body) == 1:
        name, settings = next(iter(body.items()))
        yield _project(_text(name, source.where), _mapping(settings, source.where, str(name)), source, loads)
    else:
        raise InputError(f"{source.where}: neither a project nor a group of projects: {', '.join(map(str, body))}")


def _project(name: str, body: Mapping[str, object], source: _Source, loads: frozenset[str]) -> TenantProject:
    where = f"{source.where}: {name}"
    strange = sorted(set(body) - _PROJECT_KEYS)
    if strange:
        raise InputError(f"{where}: {strange[0]!r} is no key that Zuul knows here")
    dynamic = _texts(body.get("always-dynamic-branches"), where)
    included = body.get("include-branches")
    branch = body.get("load-branch")
    paths = _texts(body.get("extra-config-paths"), where)
    if bad := next((path for path in paths if not _PLAIN_PATH.fullmatch(path) or ".." in path.split("/")), ""):
        raise InputError(f"{where}: extra-config-paths: {bad!r} is no path inside a repository")
    return TenantProject(
        name=name,
        host=source.host,
        trusted=source.trusted,
        loads=_loads(body, loads, where),
        shadows=_texts(body.get("shadow"), where),
        load_branch=None if branch is None else _text(branch, where),
        include_branches=None if included is None else _texts(included, where),
        exclude_branches=(*_texts(body.get("exclude-branches"), where), *dynamic),
        dynamic_branches=dynamic,
        extra_paths=paths,
        implied_branch_matchers=_flag(body.get("implied-branch-matchers"), where),
        configures=_texts(body.get("configure-projects"), where),
        base_jobs=body.get("allow-base-jobs") is not False,
    )


def _loads(body: Mapping[str, object], loads: frozenset[str], where: str) -> frozenset[str]:
    if body.get("include") is not None:
        loads = frozenset(_texts(body["include"], where))
    if body.get("include-provider-config") is True:
        loads |= _PROVIDER_KINDS
    return loads - frozenset(_texts(body.get("exclude"), where))


def _refuse_twice(projects: list[TenantProject], file: str) -> None:
    seen: set[str] = set()
    for project in projects:
        if project.canonical in seen:
            raise InputError(f"{file}: the tenant lists {project.name} twice")
        seen.add(project.canonical)


def _mapping(value: object, where: str, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or any(not isinstance(key, str) for key in value):
        raise InputError(f"{where}: {what} is not a mapping of names", details=f"found {value!r}"[:300])
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {value!r} is not a name")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    return tuple(_text(item, where) for item in _list(value))


def _flag(value: object, where: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{where}: {value!r} is neither true nor false")
    return value


def _limit(value: object, where: str) -> int | None:
    if value is None or value == -1:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where}: {value!r} is not a whole number")
    return value
