"""What a speculative merge starts from and what it makes, as values that say exactly which commits were tested."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from gatelocal.model.change import Change
from gatelocal.model.record import dataclass, field

NO_REFS: Mapping[str, str] = MappingProxyType({})


class MergeMode(Enum):
    """How a change gets onto its branch; the words are those of a project's ``merge-mode`` in Zuul's language."""

    MERGE = "merge"
    MERGE_RESOLVE = "merge-resolve"
    MERGE_RECURSIVE = "merge-recursive"
    MERGE_ORT = "merge-ort"
    CHERRY_PICK = "cherry-pick"
    SQUASH_MERGE = "squash-merge"
    REBASE = "rebase"
    REBASE_FIRST_PARENT = "rebase-first-parent"


DEFAULT_MODE = MergeMode.MERGE_RESOLVE
"""Zuul's for projects on a Gerrit."""


@dataclass(frozen=True, slots=True)
class RepoState:
    """The refs of one project at the moment when a run first looked at it; every build of the run uses these.

    :ivar branches: branch name without ``refs/heads/`` → commit id.
    :ivar tags: tag name without ``refs/tags/`` → the object that it names: a commit, or a tag with its message.
    :ivar default_branch: the branch that the server's HEAD names; None when nobody needed to ask.
    """

    project: str
    branches: Mapping[str, str]
    default_branch: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_REFS)


@dataclass(frozen=True, slots=True)
class MergedChange:
    """One step of a speculative merge, in full.

    :ivar own: whether it is the item's own and not one that comes before it.
    :ivar message: what a commit that had to be made says; a mode that keeps the change's own message ignores it.
    :ivar base: the commit that it was put onto. :ivar commit: what came out.
    """

    change: Change
    mode: MergeMode
    own: bool
    message: str
    base: str
    commit: str


@dataclass(frozen=True, slots=True)
class MergedProject:
    """One branch of one project with all that was merged onto it.

    :ivar base: the branch's own commit, before any change.
    :ivar commit: the speculative commit: the base with all `changes`. A fast-forward keeps the change's own id.
    :ivar tree: the tree id of `commit`.
    :ivar before_last: the commit before the item's own change was merged; equal to `commit` where the item has none,
        so that ``before_last..commit`` is precisely the item's own change.
    :ivar changes: what was merged, in that order.
    """

    project: str
    branch: str
    base: str
    commit: str
    tree: str
    before_last: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class SpeculativeState:
    """All that one run merged.

    :ivar run: the name under ``refs/gatelocal/`` that keeps the commits from being collected as garbage.
    :ivar merged: one for each branch that a change goes to, in order of their first change.
    :ivar repositories: the state of every project that `merged` speaks of.
    :ivar steps: all merges, in their order.
    """

    run: str
    merged: tuple[MergedProject, ...]
    repositories: tuple[RepoState, ...]
    steps: tuple[MergedChange, ...] = ()

    def find(self, project: str, branch: str) -> MergedProject | None:
        """What was merged onto that branch; None when nothing was."""
        return next((one for one in self.merged if (one.project, one.branch) == (project, branch)), None)
