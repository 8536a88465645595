"""Which two changes do not go together, told to a person; it searches only after a merge has failed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import ConflictError
from gatelocal.model.change import Change
from gatelocal.model.text import plain
from git_review.git import objects
from git_review.git.errors import MergeConflict
from git_review.git.runner import Runner


@dataclass(frozen=True, slots=True)
class Before:
    """What one branch went through before the change that failed: its tip, then one commit after each change."""

    tip: str
    merged: tuple[tuple[Change, str], ...] = ()

    @property
    def commits(self) -> tuple[str, ...]:
        """The branch's states, the tip first."""
        return (self.tip, *(commit for _, commit in self.merged))


def explain(git: Runner, path: Path, change: Change, before: Before) -> ConflictError:
    """The error that names the change, what it conflicts with (an earlier change or the branch's tip), and the files.

    :param path: the repository, for the command that shows the conflict again.
    """
    culprit, clash = _culprit(git, change, before)
    other = plain(before.merged[culprit - 1][0].name) if culprit else _tip(change, before.tip)
    files = [plain(name) for name in clash.files]
    where = ", ".join(files[:3]) + (f" and {len(files) - 3} more files" if len(files) > 3 else "")
    brief = f"{plain(change.name)} does not merge into {plain(change.branch)}: it conflicts with {other}"
    words = [plain(line) for line in clash.details.splitlines()]
    names = [f"  {name}" for name in files]
    shown = shlex.join(["git", "-C", str(path), "merge-tree", before.commits[culprit], change.commit])
    return ConflictError(
        f"{brief} in {where}" if files else f"{brief}: they have no common history",
        details="\n".join((f"{plain(change.name)}: {plain(change.subject)}", *names, *words)),
        hint=f"rebase it onto {other} and upload it again; the conflict: {shown}",
    )


def _culprit(git: Runner, change: Change, before: Before) -> tuple[int, MergeConflict]:
    """The place of a state that conflicts while the one before it does not; 0 when the tip itself conflicts.

    Found by halving, so that a long queue costs few merges.
    """
    commits = before.commits
    clash = _clash(git, commits[0], change.commit)
    if clash is not None:
        return 0, clash
    clean, bad = 0, len(commits) - 1
    clash = _clash(git, commits[bad], change.commit)
    while bad - clean > 1:
        middle = (clean + bad) // 2
        found = _clash(git, commits[middle], change.commit)
        clean, bad, clash = (middle, bad, clash) if found is None else (clean, middle, found)
    return bad, clash or MergeConflict(commits[bad], change.commit, ())


def _clash(git: Runner, ours: str, theirs: str) -> MergeConflict | None:
    try:
        objects.merge_tree(git, ours, theirs)
    except MergeConflict as conflict:
        return conflict
    return None


def _tip(change: Change, commit: str) -> str:
    names: Sequence[str] = (change.branch, "of", change.project, "at", commit[:10])
    return plain(" ".join(names))
