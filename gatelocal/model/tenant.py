"""A tenant as Zuul's main.yaml describes it: which projects may say what runs; no repository is read here."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.record import dataclass
from gatelocal.model.stanza import Stanza

CONFIG_KINDS = frozenset("pipeline job semaphore project project-template nodeset secret queue".split())
"""The kinds of stanza that a project may bring unless the tenant says otherwise (Zuul: include)."""


@dataclass(frozen=True, slots=True)
class TenantProject:
    """One project of a tenant.

    :ivar name: its name on its server, such as ``openstack/nova``.
    :ivar host: the canonical host name of its connection; may be empty when nobody named one.
    :ivar trusted: it is a config-project: what it says holds for all projects and branches.
    :ivar loads: the kinds of stanza that are taken from it.
    :ivar shadows: projects whose jobs of the same name are preferred to its own.
    :ivar load_branch: the branch that a config-project is read from; None: ``master``.
    :ivar include_branches: patterns of the only branches that count; None: all do.
    :ivar exclude_branches: patterns of branches that do not count.
    :ivar dynamic_branches: patterns of branches that count only for changes to them (Zuul: always-dynamic-branches).
    :ivar extra_paths: files, and folders with a slash at their end, that hold configuration too.
    :ivar implied_branch_matchers: whether its definitions hold on their own branch only; None: Zuul's rule decides.
    :ivar configures: patterns of other projects that it may have project stanzas for.
    :ivar base_jobs: whether it may define jobs without a parent, given that it is trusted.
    :ivar overrules: as a config-project it may give jobs to projects that those are not for, and secrets to changes
        that nobody has reviewed; not so where it stands for the projects themselves.
    :ivar reporter_jobs: whether its stanzas may ask for jobs that run after the report.
    """

    name: str
    host: str = ""
    trusted: bool = False
    loads: frozenset[str] = CONFIG_KINDS
    shadows: tuple[str, ...] = ()
    load_branch: str | None = None
    include_branches: tuple[str, ...] | None = None
    exclude_branches: tuple[str, ...] = ()
    dynamic_branches: tuple[str, ...] = ()
    extra_paths: tuple[str, ...] = ()
    implied_branch_matchers: bool | None = None
    configures: tuple[str, ...] = ()
    base_jobs: bool = True
    reporter_jobs: bool = False
    overrules: bool = True

    @property
    def canonical(self) -> str:
        """The name with its host, which no other project has."""
        return f"{self.host}/{self.name}" if self.host else self.name


@dataclass(frozen=True, slots=True)
class Tenant:
    """All projects that share one configuration.

    :ivar projects: config-projects first, then the others, each in the tenant's order, which decides who is read first.
    :ivar default_parent: the parent of a job that names none.
    :ivar max_nodes: how many nodes a job may have; None without a limit.
    :ivar max_timeout: how many seconds a job may take; None without a limit.
    :ivar allowed_labels: patterns of the only labels that nodes may have; None: all. :ivar disallowed_labels: of those
        that they may not have, even so. :ivar own_labels: labels are configuration objects (Zuul: use-nodepool: false).
    :ivar triggers: the only connections that pipelines may be triggered by; None: all. :ivar reporters: and report to.
    :ivar semaphores: names of those that it shares with other tenants.
    :ivar oidc_seconds: how long a token of a secret may last. :ivar oidc_issuers: whose tokens secrets may be.
    :ivar known_only: a project that the tenant does not list is a mistake; False where there is no real tenant.
    """

    name: str
    projects: tuple[TenantProject, ...]
    default_parent: str = "base"
    max_nodes: int | None = None
    max_timeout: int | None = None
    allowed_labels: tuple[str, ...] | None = None
    disallowed_labels: tuple[str, ...] | None = None
    own_labels: bool = False
    triggers: tuple[str, ...] | None = None
    reporters: tuple[str, ...] | None = None
    semaphores: frozenset[str] = frozenset()
    oidc_seconds: int = 10800
    oidc_issuers: tuple[str, ...] = ()
    known_only: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in one file, with the line that it is about.

    :ivar kind: the stanza's kind and `name` its name, as far as they could be read.
    """

    line: int
    message: str
    hint: str = ""
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What one file says.

    :ivar stanzas: those that are well-formed. :ivar faults: what is not.
    """

    path: str
    stanzas: tuple[Stanza, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """The configuration of one project as it was read.

    :ivar branches: all branches that count, the default branch first.
    :ivar files: for each branch that is read, its files in the order in which Zuul reads them.
    :ivar missing: why there is nothing; empty when the repository was found.
    :ivar unread: nobody looked, because nothing that is asked for is likely to stand there.
    """

    project: TenantProject
    branches: tuple[str, ...] = ()
    files: Mapping[str, tuple[ConfigFile, ...]] | None = None
    missing: str = ""
    unread: bool = False
