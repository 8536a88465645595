"""The file of `gatelocal plan --config`: connections, a tenant, and where repositories lie; it opens none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config.tenants import Shared, tenant_of
from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.errors import InputError
from gatelocal.model.tenant import Tenant, TenantProject

_KEYS = frozenset(("connections", "tenant", "tenant-file", "repositories"))
_RULE_KEYS = frozenset(("project", "path", "url", "branches"))
_DEFAULT_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "pagure": "pagure.io"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Where repositories lie.

    :ivar project: the only project that it is about; None: any.
    :ivar path: a folder, or `url`: an address; both may have ``{org}``, ``{name}`` and ``{project}`` in them.
    :ivar branches: names or patterns of the only branches that count; None: all do.
    :ivar remote: whose branches count in a repository with a work tree.
    """

    project: str | None
    path: str | None
    url: str | None
    branches: tuple[str, ...] | None = None
    remote: str = "origin"

    def means(self, project: TenantProject) -> bool:
        """Whether it is about that project."""
        return self.project in (None, project.name, project.canonical)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What the file says. :ivar folder: relative paths in it start here."""

    tenant: Tenant
    rules: tuple[Rule, ...]
    folder: Path


def load(file: Path, tenant: str | None = None) -> PlanFile:
    """Read the file, and the tenant file that it may name.

    :param tenant: which tenant is meant, where there are several.
    :raises InputError: it is not there or not what it should be; with file, line or key.
    """
    body = _mapping(_read(file), file)
    strange = sorted(set(body) - _KEYS)
    if strange:
        raise InputError(f"{file}: {strange[0]!r} is no key of this file", hint=f"known: {', '.join(sorted(_KEYS))}")
    hosts = _hosts(body.get("connections", {}), file)
    if ("tenant" in body) == ("tenant-file" in body):
        raise InputError(f"{file}: it needs either `tenant` or `tenant-file`")
    if "tenant" in body:
        found = tenant_of(body["tenant"], hosts, str(file))
        if tenant is not None and tenant != found.name:
            raise InputError(f"{file}: there is no tenant {tenant}", hint=f"its tenant: {found.name}")
    else:
        found = _of_tenant_file(file, body["tenant-file"], hosts, tenant)
    rules = body.get("repositories")
    if not isinstance(rules, list):
        raise InputError(f"{file}: repositories: not a list", hint="it says where each repository lies on this machine")
    return PlanFile(found, tuple(_rule(item, file) for item in rules), file.parent)


def _of_tenant_file(file: Path, name: object, hosts: Mapping[str, str], wanted: str | None) -> Tenant:
    if not isinstance(name, str) or not name:
        raise InputError(f"{file}: tenant-file: not the name of a file")
    return tenant_file(file.parent / Path(name).expanduser(), wanted, hosts)


def tenant_file(main: Path, wanted: str | None, hosts: Mapping[str, str]) -> Tenant:
    """The tenant of Zuul's own main.yaml.

    :param wanted: its name; None: the only one that there is. :param hosts: connection → canonical host name.
    :raises InputError: there is no such file or tenant, or it is not what it should be.
    """
    items = _read(main)
    if not isinstance(items, list):
        raise InputError(f"{main}: not a list, as Zuul's main.yaml is")
    tenants = [
        item["tenant"] for item in items if isinstance(item, Mapping) and isinstance(item.get("tenant"), Mapping)
    ]
    chosen = [one for one in tenants if wanted is None or one.get("name") == wanted]
    if len(chosen) != 1:
        told = ", ".join(str(one.get("name")) for one in tenants)
        problem = f"there is no tenant {wanted}" if wanted is not None else f"there are {len(tenants)} tenants"
        raise InputError(f"{main}: {problem}", hint=f"name one with --tenant: {told}" if told else "")
    return tenant_of(chosen[0], hosts, str(main), _shared(items))


def _shared(items: Sequence[object]) -> Shared:
    """The names of what stands beside the tenants in main.yaml."""

    def named(*kinds: str) -> frozenset[str]:
        bodies = (item.get(kind) for item in items if isinstance(item, Mapping) for kind in kinds)
        return frozenset(str(body["name"]) for body in bodies if isinstance(body, Mapping) and "name" in body)

    return Shared(named("global-semaphore"), named("authorization-rule", "admin-rule"), named("role"))


def _hosts(value: object, file: Path) -> dict[str, str]:
    hosts: dict[str, str] = {}
    for name, body in _mapping(value, file, "connections").items():
        settings = _mapping(body, file, name)
        host = settings.get("canonical-hostname", settings.get("canonical_hostname", settings.get("server")))
        if host is None:
            host = _DEFAULT_HOSTS.get(str(settings.get("driver")), name)
        if not isinstance(host, str):
            raise InputError(f"{file}: connections: {name}: {host!r} is no host name")
        hosts[name] = host
    return hosts


def _rule(item: object, file: Path) -> Rule:
    body = _mapping(item, file, "a repository")
    strange = sorted(set(body) - _RULE_KEYS)
    if strange:
        raise InputError(f"{file}: repositories: {strange[0]!r} is no key", hint="known: branches, path, project, url")
    if ("path" in body) == ("url" in body):
        raise InputError(
            f"{file}: repositories: each needs either a path or a url", details=f"found {dict(body)!r}"[:300]
        )
    for key in ("project", "path", "url"):
        if key in body and (not isinstance(body[key], str) or not body[key]):
            raise InputError(f"{file}: repositories: {key}: {body[key]!r} is no text"[:300])
    branches = body.get("branches")
    if isinstance(branches, str):
        branches = [branches]
    if branches is not None and (not isinstance(branches, list) or any(not isinstance(one, str) for one in branches)):
        raise InputError(f"{file}: repositories: branches: not a list of names and patterns")
    project, path, url = (_text(body.get(key)) for key in ("project", "path", "url"))
    return Rule(project, path, url, None if branches is None else tuple(map(str, branches)))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(value: object, file: Path, what: str = "the file") -> Mapping[str, object]:
    if not isinstance(value, Mapping) or any(not isinstance(key, str) for key in value):
        raise InputError(f"{file}: {what} is not a mapping of names")
    return value


def _read(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8")
        root = root_of(text)
        return {} if root is None else value_of(root, Reading())
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text") from None
    except NotYaml as error:
        raise InputError(f"{error.at(file)}: {error.problem}", hint=error.hint) from None
