"""The tenant syntax of Zuul's main.yaml → a tenant; which connections there are is told by the caller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gatelocal.errors import InputError
from gatelocal.jobs.zuul.checks import ANSIBLE_VERSIONS
from gatelocal.model.pattern import matches_whole, pattern_problem
from gatelocal.model.tenant import CONFIG_KINDS, Tenant, TenantProject

_PROVIDER_KINDS = frozenset("image flavor label section provider".split())
_PROJECT_KEYS = frozenset(
    (
        "include exclude shadow include-provider-config exclude-unprotected-branches exclude-locked-branches"
        " extra-config-paths load-branch include-branches exclude-branches always-dynamic-branches"
        " allow-circular-dependencies implied-branch-matchers configure-projects allow-reporter-jobs allow-base-jobs"
    ).split()
)
_TENANT_KEYS = frozenset(
    (
        "name max-changes-per-pipeline max-dependencies max-nodes-per-job max-job-timeout max-oidc-ttl"
        " allowed-oidc-issuers source exclude-unprotected-branches exclude-locked-branches allowed-triggers"
        " allowed-reporters allowed-labels disallowed-labels allow-circular-dependencies default-parent"
        " default-ansible-version access-rules admin-rules anonymous-read-access role-mappings semaphores"
        " authentication-realm report-build-page use-nodepool web-root"
    ).split()
)
_USUAL_PATHS = ("zuul.yaml", "zuul.d/", ".zuul.yaml", ".zuul.d/")
_NODES, _SECONDS = 5, 10800  # Zuul's own limits for a job of a tenant that sets none
_PLAIN_PATH = re.compile(r"(?!/)[^\0-\x1f]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """What the tenants of one main.yaml have in common, by name: semaphores, authorization rules and roles."""

    semaphores: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Source:
    """One connection's part of a tenant. :ivar where: for errors."""

    host: str
    trusted: bool
    where: str


def tenant_of(value: object, hosts: Mapping[str, str], file: str, shared: Shared | None = None) -> Tenant:
    """Read the value of a ``tenant:`` key.

    :param hosts: for each connection, its canonical host name; one that is not there goes by its own name.
    :param file: for errors. :param shared: what stands beside the tenant and may be named in it.
    :raises InputError: it is none; the message names file, key and what was expected.
    """
    body = _mapping(value, file, "tenant")
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"{file}: tenant: it has no name")
    if strange := sorted(set(body) - _TENANT_KEYS):
        raise InputError(f"{file}: tenant {name}: {strange[0]!r} is no key that Zuul knows here")
    _check_names(body, file, shared or Shared())
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
    _check_configured(projects, file)
    return Tenant(
        name=name,
        projects=tuple(projects),
        default_parent=_text(body.get("default-parent", "base"), f"{file}: default-parent"),
        max_nodes=_limit(body.get("max-nodes-per-job", _NODES), f"{file}: max-nodes-per-job"),
        max_timeout=_limit(body.get("max-job-timeout", _SECONDS), f"{file}: max-job-timeout"),
        allowed_labels=_patterns(body, "allowed-labels", file),
        disallowed_labels=_patterns(body, "disallowed-labels", file),
        own_labels=_flag(body.get("use-nodepool"), f"{file}: use-nodepool") is False,
        triggers=_names_or_none(body, "allowed-triggers", file),
        reporters=_names_or_none(body, "allowed-reporters", file),
        semaphores=frozenset(_texts(body.get("semaphores"), f"{file}: semaphores")),
        oidc_seconds=_limit(body.get("max-oidc-ttl", _SECONDS), f"{file}: max-oidc-ttl") or _SECONDS,
        oidc_issuers=_texts(body.get("allowed-oidc-issuers"), f"{file}: allowed-oidc-issuers"),
    )


def _check_names(body: Mapping[str, object], file: str, shared: Shared) -> None:
    """Names of what stands beside the tenant in main.yaml; and the version of Ansible, which Zuul must have."""
    for name in _texts(body.get("semaphores"), f"{file}: semaphores"):
        if name not in shared.semaphores:
            raise InputError(f"{file}: semaphores: there is no global-semaphore {name}")
    mappings = _mapping(body.get("role-mappings") or {}, file, "role-mappings")
    for rule, roles in mappings.items():
        if rule not in shared.rules:
            raise InputError(f"{file}: role-mappings: there is no authorization-rule {rule}")
        for role in _texts(roles, f"{file}: role-mappings"):
            if role not in shared.roles:
                raise InputError(f"{file}: role-mappings: there is no role {role}")
    version = body.get("default-ansible-version")
    if version is not None and str(version) not in ANSIBLE_VERSIONS:
        told = " and ".join(ANSIBLE_VERSIONS)
        raise InputError(f"{file}: default-ansible-version: {version!r} is none of those that Zuul has: {told}"[:300])


def _check_configured(projects: list[TenantProject], file: str) -> None:
    """No project that runs unreviewed configuration may say what runs for a config-project."""
    trusted = [one for one in projects if one.trusted]
    for project in projects:
        for pattern in () if project.trusted else project.configures:
            if problem := pattern_problem(pattern):
                raise InputError(f"{file}: {project.name}: configure-projects: {problem}")
            for other in trusted:
                if any(matches_whole(pattern, name) for name in (other.name, other.canonical)):
                    raise InputError(
                        f"{file}: {project.name}: configure-projects: {other.name} is a config-project,"
                        " which no other project configures"
                    )


def _patterns(body: Mapping[str, object], key: str, file: str) -> tuple[str, ...] | None:
    found = _names_or_none(body, key, file)
    for one in found or ():
        if problem := pattern_problem(one):
            raise InputError(f"{file}: {key}: {problem}")
    return found


def _names_or_none(body: Mapping[str, object], key: str, file: str) -> tuple[str, ...] | None:
    return None if body.get(key) is None else _texts(body[key], f"{file}: {key}")


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
    if usual := next((path for path in paths if path in _USUAL_PATHS), ""):
        raise InputError(f"{where}: extra-config-paths: {usual!r} is read anyhow, and not to be named here")
    if own := [key for key in ("configure-projects", "allow-reporter-jobs") if source.trusted and key in body]:
        raise InputError(f"{where}: {own[0]!r} is for untrusted-projects only")
    if "allow-base-jobs" in body and not source.trusted:
        raise InputError(f"{where}: 'allow-base-jobs' is for config-projects only")
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
        reporter_jobs=_flag(body.get("allow-reporter-jobs"), where) is True,
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
