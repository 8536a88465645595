"""Stanzas with the place that they come from, and whether they hold on a branch; nothing is inherited here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatelocal.jobs.zuul.checks import listed
from gatelocal.jobs.zuul.match import matchers
from gatelocal.jobs.zuul.schema import entry
from gatelocal.model.pattern import Pattern, any_matches
from gatelocal.model.plan import Place
from gatelocal.model.refs import Where, names
from gatelocal.model.tenant import TenantProject


@dataclass(frozen=True, slots=True)
class Origin:
    """The branch of the project that a file was read from, with what pragmas in the file say.

    :ivar only_branch: the project has no other branch, so that what it says holds everywhere.
    :ivar implied: the pragma implied-branch-matchers; None without it.
    :ivar branches: the pragma implied-branches, or the file's own branch.
    """

    project: TenantProject
    branch: str
    path: str
    only_branch: bool = False
    implied: bool | None = None
    branches: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """One stanza, or one entry of a project's job list.

    :ivar entry: it is an entry of a job list, which holds on any branch unless it says otherwise.
    """

    name: str
    body: Mapping[str, object]
    origin: Origin
    line: int
    entry: bool = False

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.origin.project.name, self.origin.branch, self.origin.path, self.line)

    @property
    def where(self) -> str:
        """``file:line``, for errors."""
        return f"{self.origin.path}:{self.line}"


def job_holds(definition: Definition, where: Where) -> bool:
    """Whether a job's definition, or an entry of a job list, holds on a branch, or for a tag.

    Zuul's rule: what the definition says itself; else, for a definition in a project with several branches that is no
    config-project, its own branch; pragmas and the tenant change that.
    """
    if "branches" in definition.body:
        return _means(matchers(listed(definition.body["branches"]), definition.where), where)
    if definition.entry:
        return True
    origin = definition.origin
    wanted = origin.implied if origin.implied is not None else origin.project.implied_branch_matchers
    if wanted is None:
        wanted = not origin.project.trusted and (bool(origin.project.dynamic_branches) or not origin.only_branch)
    return not wanted or _means(origin.branches, where)


def stanza_branches(stanza: Definition, project: TenantProject) -> tuple[Pattern, ...]:
    """The branches of that project which a project stanza is for; none: all."""
    origin = stanza.origin
    own = listed(stanza.body.get("branches"))
    if own:
        return matchers(own, stanza.where)
    if origin.project.canonical == project.canonical:
        return () if origin.project.trusted else (Pattern(origin.branch, exact=True),)
    return template_branches(stanza)


def template_branches(template: Definition) -> tuple[Pattern, ...]:
    """The branches that a project template, or a project stanza in another project, is for; none: all."""
    origin = template.origin
    wanted = origin.implied
    if wanted is None:
        wanted = not origin.project.trusted and not origin.only_branch
    return origin.branches if wanted else ()


def stanza_holds(stanza: Definition, where: Where, project: TenantProject) -> bool:
    """Whether a project stanza holds for a branch, or a tag, of that project."""
    found = stanza_branches(stanza, project)
    return not found or _means(found, where)


def template_holds(template: Definition, where: Where) -> bool:
    """Whether a project template, or a project stanza in another project, holds on a branch, or for a tag."""
    found = template_branches(template)
    return not found or _means(found, where)


def _means(found: Sequence[Pattern], where: Where) -> bool:
    if isinstance(where, str):
        return any_matches(found, where)
    return any(any_matches(found, name) for name in names(where))


def entries(stanza: Definition, pipeline: str) -> tuple[Definition, ...] | None:
    """The entries of a stanza's job list for a pipeline, in order; None when it does not name the pipeline."""
    section = stanza.body.get(pipeline)
    if pipeline in ("name", "vars") or not isinstance(section, Mapping):
        return None
    found = [entry(item) for item in listed(section.get("jobs"))]
    return tuple(Definition(one[0], one[1], stanza.origin, stanza.line, entry=True) for one in found if one is not None)
