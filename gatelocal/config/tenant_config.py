"""The configuration of a whole tenant, from wherever its repositories lie; what a stanza means is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.config import repositories
from gatelocal.config.plan_file import PlanFile, Rule
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.model.pattern import matches_whole
from gatelocal.model.tenant import ConfigFile, Repository, TenantProject

CLONED = 40
"""With more projects at addresses, only config-projects, the planned one and the first so many are fetched."""

Copy = Callable[[str, str], Path]
"""Makes a copy of a project that lies at an address, and says where it is."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit in a repository on this machine."""

    repository: Path
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be planned.

    :ivar project: its name, with or without host. :ivar branch: its branch.
    :ivar instead: (project, branch) → the commit that counts in place of the branch's own.
    """

    project: str
    branch: str
    instead: Mapping[tuple[str, str], Commit] = field(default_factory=dict)


def load(file: PlanFile, wanted: Wanted, cache: StanzaCache, copy: Copy) -> tuple[Repository, ...]:
    """The configuration of every project of the tenant; one whose repository is not found is missing and empty."""
    fetched = 0
    found: list[Repository] = []
    for project in file.tenant.projects:
        rule = rule_of(file, project)
        needed = project.trusted or wanted.project in (project.name, project.canonical)
        if rule is not None and rule.url is not None:
            fetched += 1
            if fetched > CLONED and not needed:
                found.append(Repository(project, missing="not fetched: the tenant has too many projects"))
                continue
        found.append(_repository(file, rule, project, wanted, (cache, copy)))
    cache.tidy()
    return tuple(found)


def rule_of(file: PlanFile, project: TenantProject) -> Rule | None:
    """The first of the file's rules that leads somewhere."""
    for rule in file.rules:
        if rule.means(project) and (rule.url is not None or repositories.is_repository(path_of(file, rule, project))):
            return rule
    return None


def path_of(file: PlanFile, rule: Rule, project: TenantProject) -> Path:
    """The folder that a rule with a path means."""
    return file.folder / Path(filled(rule.path or "", project)).expanduser()


def filled(text: str, project: TenantProject) -> str:
    """A path or an address with the project's name in it."""
    org, _, name = project.name.rpartition("/")
    for key, value in (("{org}", org), ("{name}", name), ("{project}", project.name)):
        text = text.replace(key, value)
    return text


def _repository(
    file: PlanFile, rule: Rule | None, project: TenantProject, wanted: Wanted, hands: tuple[StanzaCache, Copy]
) -> Repository:
    if rule is None:
        return Repository(project, missing="there is no repository where the file says that it lies")
    cache, copy = hands
    try:
        path = path_of(file, rule, project) if rule.url is None else copy(project.name, filled(rule.url, project))
        return read(project, path, rule.branches, wanted, cache, rule.remote)
    except (ConfigurationError, InfrastructureError) as error:
        return Repository(project, missing=": ".join(part for part in (error.brief, error.details, error.hint) if part))


def read(
    project: TenantProject,
    path: Path,
    only: Sequence[str] | None,
    wanted: Wanted,
    cache: StanzaCache,
    remote: str = "origin",
) -> Repository:
    """One project's configuration.

    :param only: names or patterns of the only branches that count; None: all do.
    :param remote: whose branches count in a repository with a work tree.
    :raises ConfigurationError: git cannot read the repository.
    """
    heads = repositories.heads(path, remote)
    branches = repositories.counting(project, heads, only)
    reading = _branches_to_read(project, branches, heads, wanted)
    if not project.loads:
        return Repository(project, tuple(branches), {})
    files: dict[str, tuple[ConfigFile, ...]] = {}
    own = {branch: commit for branch, commit in reading.items() if _instead(wanted, project, branch) is None}
    texts = repositories.read(path, list(own.values()), project.extra_paths, cache)
    for branch, commit in reading.items():
        other = None if project.trusted else _instead(wanted, project, branch)
        if other is None:
            files[branch] = texts[commit]
        else:
            files[branch] = repositories.read(other.repository, [other.id], project.extra_paths, cache)[other.id]
    return Repository(project, tuple(branches), files)


def _instead(wanted: Wanted, project: TenantProject, branch: str) -> Commit | None:
    """Changes to a config-project do not count before they have landed, as in Zuul."""
    if project.trusted:
        return None
    return next(
        (found for name in (project.canonical, project.name) if (found := wanted.instead.get((name, branch)))), None
    )


def _branches_to_read(
    project: TenantProject, branches: Mapping[str, str], heads: repositories.Heads, wanted: Wanted
) -> dict[str, str]:
    if project.trusted:
        name = project.load_branch or "master"
        if name not in heads.commits and project.load_branch is None and heads.default is not None:
            name = heads.default
        return {name: heads.commits[name]} if name in heads.commits else {}
    reading = dict(branches)
    # A branch that usually does not count does so for a change to it (Zuul: always-dynamic-branches).
    mine = wanted.project in (project.name, project.canonical) and wanted.branch not in reading
    dynamic = any(matches_whole(one, wanted.branch) for one in project.dynamic_branches)
    if mine and dynamic and wanted.branch in heads.commits:
        reading[wanted.branch] = heads.commits[wanted.branch]
    return reading
