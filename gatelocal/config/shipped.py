"""The tenant that comes with the product: what it lists, where a name is likely to be defined, what stands in for what.

It is data beside this file. What a repository itself says always counts before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from gatelocal.config.tenants import tenant_of
from gatelocal.config.yaml_values import Reading, root_of, value_of
from gatelocal.jobs import families
from gatelocal.jobs.zuul.schema import sifted
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import ConfigFile, Tenant, TenantProject

FILE = "opendev.yaml"
STAND_IN = "known by name"
"""What stands in the place of a file's path where a definition is ours."""

_PLUGIN = "-tempest-plugin"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One tenant.

    :ivar servers: host names that lead to its projects. :ivar address: where they lie, with ``{project}``.
    :ivar first: the projects that are read for every plan.
    :ivar homes: beginning of a name → the project that defines such names.
    :ivar known: project → what is known of it, as it stands in the file.
    """

    tenant: Tenant
    servers: frozenset[str]
    address: str
    first: tuple[TenantProject, ...]
    homes: Mapping[str, TenantProject]
    known: Mapping[str, Mapping[str, object]]

    def project(self, name: str) -> TenantProject | None:
        """The project of that name, with or without its host."""
        return next((one for one in self.tenant.projects if name in (one.name, one.canonical)), None)

    def likely(self, name: str) -> Iterator[TenantProject]:
        """The projects that may define a job, template or nodeset of that name, the likeliest first."""
        homes = [home for home in self.homes if name.startswith(home)]
        yield from (self.homes[home] for home in sorted(homes, key=len, reverse=True))
        by_name = {one.name.rpartition("/")[2]: one for one in reversed(self.tenant.projects)}
        words = name.split("-")
        for count in range(len(words), 0, -1):
            begun = "-".join(words[:count])
            yield from (by_name[one] for one in (begun, f"{begun}{_PLUGIN}") if one in by_name)


def shipped() -> Shipped:
    """The tenant that comes with the product."""
    text = resources.files("gatelocal.config").joinpath(FILE).read_text(encoding="utf-8")
    root = root_of(text)
    body = _mapping(None if root is None else value_of(root, Reading()))
    host, words = str(body["host"]), str(body["servers"]).split()
    tenant = tenant_of(_tenant(body, host), {}, FILE)
    named = {one.name: one for one in tenant.projects}
    own = _mapping(body["tenant"])
    return Shipped(
        tenant=tenant,
        servers=frozenset(words),
        address=str(body["address"]),
        first=tuple(named[name] for key in ("config-projects", "first") for name in _names(own[key])),
        homes={name: named[str(home)] for name, home in _mapping(body["homes"]).items()},
        known={name: _mapping(known) for name, known in _mapping(body["known"]).items()},
    )


def stand_in(found: Shipped, project: TenantProject) -> tuple[ConfigFile, ...]:
    """What is known of a project whose repository cannot be had; nothing for most."""
    known = found.known.get(project.name, {})
    stanzas = [
        *(_stanza("nodeset", label, {"nodes": [{"name": label, "label": label}]}) for label in _words(known, "labels")),
        *(_nodeset(name, str(labels).split()) for name, labels in _mapping(known.get("nodes", {})).items()),
        *(_stanza("job", name, {"parent": parent}) for name, parent in _mapping(known.get("chain", {})).items()),
        *(_job(stanza) for name in _words(known, "tox") if (stanza := families.built_in(name)) is not None),
        *(_stanza("job", name, _mapping(body)) for name, body in _mapping(known.get("jobs", {})).items()),
        *(_template(name, _mapping(body)) for name, body in _mapping(known.get("templates", {})).items()),
    ]
    if not stanzas:
        return ()
    good, faults = sifted(stanzas)
    return (ConfigFile(STAND_IN, good, faults),)


def _tenant(body: Mapping[str, object], host: str) -> Mapping[str, object]:
    """The tenant in the syntax of Zuul's own file."""
    own = dict(_mapping(body["tenant"]))
    names = [f"{org}/{name}" for org, text in _mapping(body["projects"]).items() for name in str(text).split()]
    trusted, first, last = (list(_listed(own.pop(key))) for key in ("config-projects", "first", "last"))
    here = {"config-projects": trusted, "untrusted-projects": [*first, *names, *last]}
    others = {
        other: {"untrusted-projects": [{"include": [], "projects": str(text).split()}]}
        for other, text in _mapping(body["elsewhere"]).items()
    }
    return {**own, "source": {host: here, **others}}


def _nodeset(name: str, labels: Sequence[str]) -> Stanza:
    nodes = [
        {"name": f"compute{place}" if place else "controller", "label": label} for place, label in enumerate(labels)
    ]
    return _stanza("nodeset", name, {"nodes": nodes})


def _job(stanza: Stanza) -> Stanza:
    """Without the word that it has no parent: in a tenant, it has the tenant's base job."""
    body = {key: value for key, value in stanza.body.items() if key != "parent" or value is not None}
    return _stanza("job", stanza.name, body)


def _template(name: str, body: Mapping[str, object]) -> Stanza:
    return _stanza("project-template", name, {pipeline: {"jobs": jobs} for pipeline, jobs in body.items()})


def _stanza(kind: str, name: str, body: Mapping[str, object]) -> Stanza:
    return Stanza(kind, name, {"name": name, **body}, STAND_IN, 0)


def _words(known: Mapping[str, object], key: str) -> list[str]:
    return str(known.get(key, "")).split()


def _names(items: object) -> list[str]:
    return [item if isinstance(item, str) else str(next(iter(_mapping(item)))) for item in _listed(items)]


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{FILE}: {value!r} is no list")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{FILE}: {value!r} is no mapping")
    return value
