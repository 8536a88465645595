"""Which two changes do not go together, told to a person; it searches only after a merge has failed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import ConflictError
from gatelocal.merger.trees import Clash
from gatelocal.model.change import Change
from gatelocal.model.text import plain


@dataclass(frozen=True, slots=True)
class Before:
    """What one branch went through before the change that failed: its tip, then one commit after each change."""

    tip: str
    merged: tuple[tuple[Change, str], ...] = ()

    @property
    def commits(self) -> tuple[str, ...]:
        """The branch's states, the tip first."""
        return (self.tip, *(commit for _, commit in self.merged))


Try = Callable[[str], object]
"""Puts the change onto a commit. :raises gatelocal.merger.trees.Clash: it does not go there."""


def explain(attempt: Try, path: Path, change: Change, before: Before) -> ConflictError:
    """The error that names the change, what it conflicts with (an earlier change or the branch's tip), and the files.

    :param path: the repository, for the command that shows the conflict again.
    """
    culprit, clash = _culprit(attempt, change, before)
    other = plain(before.merged[culprit - 1][0].name) if culprit else _tip(change, before.tip)
    files = [plain(name) for name in clash.files]
    where = ", ".join(files[:3]) + (f" and {len(files) - 3} more files" if len(files) > 3 else "")
    brief = f"{plain(change.name)} does not merge into {plain(change.branch)}: it conflicts with {other}"
    words = [plain(line) for line in clash.details.splitlines()]
    names = [f"  {name}" for name in files]
    rebase = f"rebase it onto {other} and upload it again"
    shown = f"; the conflict: {shlex.join(['git', '-C', str(path), *clash.shown])}" if clash.shown else ""
    return ConflictError(
        f"{brief} in {where}" if files else f"{brief}: they have no common history",
        details="\n".join((f"{plain(change.name)}: {plain(change.subject)}", *names, *words)),
        hint=f"{rebase}{shown}",
    )


def _culprit(attempt: Try, change: Change, before: Before) -> tuple[int, Clash]:
    """The place of a state that conflicts while the one before it does not; 0 when the tip itself conflicts.

    Found by halving, so that a long queue costs few merges.
    """
    commits = before.commits
    clash = _clash(attempt, commits[0])
    if clash is not None:
        return 0, clash
    clean, bad = 0, len(commits) - 1
    clash = _clash(attempt, commits[bad])
    while bad - clean > 1:
        middle = (clean + bad) // 2
        found = _clash(attempt, commits[middle])
        clean, bad, clash = (middle, bad, clash) if found is None else (clean, middle, found)
    return bad, clash or Clash((commits[bad], change.commit), (), "", ())


def _clash(attempt: Try, onto: str) -> Clash | None:
    try:
        attempt(onto)
    except Clash as clash:
        return clash
    return None


def _tip(change: Change, commit: str) -> str:
    names: Sequence[str] = (change.branch, "of", change.project, "at", commit[:10])
    return plain(" ".join(names))
