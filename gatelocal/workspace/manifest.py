"""Which project's tree goes where, on which branch, with which refs; it only decides, and refuses hostile names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.merged import MergedProject, RepoState
from gatelocal.model.text import plain

ROOT = "src"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_PART_LIMIT = 255  # bytes in one name on every common file system


@dataclass(frozen=True, slots=True)
class Tree:
    """One work tree to be made.

    :ivar path: relative, with slashes: ``src/<canonical host>/<organisation>/<repository>``.
    :ivar branch: what is checked out.
    :ivar heads: every local branch → commit; the speculative commit where something was merged.
    :ivar origin: every remote-tracking branch → commit; where something was merged, the state before the item's own.
    """

    project: str
    path: str
    branch: str
    heads: Mapping[str, str]
    origin: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What decides the branches.

    :ivar host: the server's canonical host name, without a port.
    :ivar branch: the target branch of the item's change.
    :ivar overrides: project → the branches that the job asks for before that one (``override-checkout``), in order.
    """

    host: str
    branch: str
    overrides: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))


def manifest(wanted: Wanted, states: Sequence[RepoState], merged: Sequence[MergedProject]) -> tuple[Tree, ...]:
    """The trees of all projects of a run.

    :param states: every project that is to be there, each once.
    :raises InputError: a project name that cannot be a path. :raises ConfigurationError: a project without any
        branch that could be checked out, or two whose trees would lie in one another.
    """
    trees = tuple(_tree(wanted, state, [one for one in merged if one.project == state.project]) for state in states)
    _refuse_nesting(trees)
    return trees


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


def branch_of(wanted: Wanted, state: RepoState) -> str:
    """What is checked out, by Zuul's order: override, the change's target branch, the project's default branch.

    The first that exists wins. :raises ConfigurationError: none does.
    """
    candidates = [*wanted.overrides.get(state.project, ()), wanted.branch]
    if state.default_branch is not None:
        candidates.append(state.default_branch)
    for branch in candidates:
        if branch in state.branches:
            return branch
    tried = ", ".join(plain(branch) for branch in candidates)
    raise ConfigurationError(
        f"{plain(state.project)} has none of the branches that could be checked out: {tried}",
        hint="is the repository empty? Otherwise name a branch of it with override-checkout",
    )


def _tree(wanted: Wanted, state: RepoState, merged: Sequence[MergedProject]) -> Tree:
    heads = {**state.branches, **{one.branch: one.commit for one in merged}}
    origin = {**state.branches, **{one.branch: one.before_last for one in merged}}
    path = place(wanted.host, state.project)
    return Tree(state.project, path, branch_of(wanted, state), MappingProxyType(heads), MappingProxyType(origin))


def _refuse_nesting(trees: Sequence[Tree]) -> None:
    for one, other in pairwise(sorted(trees, key=lambda tree: tree.path.split("/"))):
        if f"{other.path}/".startswith(f"{one.path}/"):
            raise ConfigurationError(
                f"the trees of {plain(one.project)} and {plain(other.project)} would lie in one another",
                hint="projects whose names contain one another cannot be tested together yet",
            )
