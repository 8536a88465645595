"""Which project's tree goes where, on which branch, with which refs; it only decides, and refuses hostile names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.merged import NO_REFS, MergedProject, RepoState
from gatelocal.model.refs import is_tag, short
from gatelocal.model.text import plain

ROOT = "src"
NOWHERE = "file:///dev/null"
"""The origin of a job's trees (Zuul's choice): a job must not fetch what is not part of the tested state."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_PART_LIMIT = 255  # bytes in one name on every common file system


@dataclass(frozen=True, slots=True)
class Tree:
    """One work tree to be made.

    :ivar path: relative, with slashes: ``src/<canonical host>/<organisation>/<repository>``.
    :ivar branch: what is checked out; the name of a tag where `detached` is set.
    :ivar heads: every local branch → commit; the speculative commit where something was merged.
    :ivar origin: every remote-tracking branch → commit; where something was merged, the state before the item's own.
    :ivar tags: every tag → the object that it names.
    :ivar url: what ``origin`` leads to.
    """

    project: str
    path: str
    branch: str
    heads: Mapping[str, str]
    origin: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=lambda: NO_REFS)
    detached: bool = False
    url: str = NOWHERE

    @property
    def refs(self) -> dict[str, str]:
        """All refs by their full names."""
        found = {f"refs/heads/{name}": sha for name, sha in self.heads.items()}
        found |= {f"refs/remotes/origin/{name}": sha for name, sha in self.origin.items()}
        return found | {f"refs/tags/{name}": sha for name, sha in self.tags.items()}

    @property
    def commit(self) -> str:
        """What is checked out: a commit, or the tag that names it."""
        return (self.tags if self.detached else self.heads)[self.branch]

    @property
    def checkout(self) -> str:
        """The full name of what is checked out."""
        return f"refs/{'tags' if self.detached else 'heads'}/{self.branch}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What decides the branches.

    :ivar host: the server's canonical host name, without a port.
    :ivar branch: the target branch of the item's change; the full name of a tag that is tested itself.
    :ivar overrides: project → the branches and tags that are asked for before that one (``override-checkout``): the
        job's word on that project first, then its word on all.
    :ivar project: the item's own: no other has its tag.
    """

    host: str
    branch: str
    overrides: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    project: str = ""


Place = Callable[[str], str]
"""A project's name → the relative path of its tree."""


def manifest(wanted: Wanted, states: Sequence[RepoState], merged: Sequence[MergedProject]) -> tuple[Tree, ...]:
    """The trees of all projects of a run.

    :param states: every project that is to be there, each once.
    :raises InputError: a project name that cannot be a path. :raises ConfigurationError: a project without any
        branch that could be checked out, or two whose trees would lie in one another.
    """
    trees = tuple(
        tree(wanted, state, [one for one in merged if one.project == state.project], place(wanted.host, state.project))
        for state in states
    )
    refuse_nesting(trees)
    return trees


def tree(wanted: Wanted, state: RepoState, merged: Sequence[MergedProject], path: str) -> Tree:
    """The tree of one project at that relative path. :param merged: what was merged into this project.

    :raises ConfigurationError: as :func:`branch_of`.
    """
    onto = [one for one in merged if not is_tag(one.branch)]
    heads = {**state.branches, **{one.branch: one.commit for one in onto}}
    origin = {**state.branches, **{one.branch: one.before_last for one in onto}}
    name, detached = branch_of(wanted, state)
    return Tree(
        project=state.project,
        path=path,
        branch=name,
        heads=MappingProxyType(heads),
        origin=MappingProxyType(origin),
        tags=state.tags,
        detached=detached,
    )


def place(host: str, project: str) -> str:
    """The relative path of a project's tree. :raises InputError: a name that could lead elsewhere."""
    if not _HOST.fullmatch(host):
        raise InputError(f"{plain(host)!r} is no host name, so that its projects' trees have no place")
    parts = project.split("/")
    for part in parts:
        long = len(part.encode("utf-8", "surrogateescape")) > _PART_LIMIT
        if part in ("", ".", "..") or part.lower() == ".git" or long or plain(part) != part or "\t" in part:
            raise InputError(f"{plain(project)!r} cannot be the name of a project: it is no safe path")
    return "/".join((ROOT, host, *parts))


def branch_of(wanted: Wanted, state: RepoState) -> tuple[str, bool]:
    """What is checked out, and whether it is a tag; by Zuul's order: overrides, the tag or the branch that is tested,
    default branch.

    The first that exists wins. :raises ConfigurationError: none exists.
    """
    overrides = list(wanted.overrides.get(state.project, ()))
    for name in overrides:
        if name in state.branches or name in state.tags:
            return name, name not in state.branches
    if is_tag(wanted.branch) and state.project == wanted.project and short(wanted.branch) in state.tags:
        return short(wanted.branch), True
    branches = [wanted.branch, *([state.default_branch] if state.default_branch is not None else [])]
    for name in branches:
        if name in state.branches:
            return name, False
    tried = ", ".join(plain(name) for name in dict.fromkeys((*overrides, *branches)))
    raise ConfigurationError(
        f"{plain(state.project)} has none of the branches that could be checked out: {tried}",
        hint="is the repository empty? Otherwise name a branch of it with override-checkout",
    )


def refuse_nesting(trees: Sequence[Tree]) -> None:
    """:raises ConfigurationError: one tree would lie in another, or two in one place."""
    for one, other in pairwise(sorted(trees, key=lambda tree: tree.path.split("/"))):
        if f"{other.path}/".startswith(f"{one.path}/"):
            raise ConfigurationError(
                f"the trees of {plain(one.project)} and {plain(other.project)} would lie in one another",
                hint="projects whose names contain one another cannot be tested together yet",
            )
