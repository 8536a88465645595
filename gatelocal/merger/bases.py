"""Where the commits that are joined have come from: asked of git once for all of them, and again only in doubt."""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.merger.ancestry import Ancestry, ancestry
from git_review.git.runner import Runner


class Bases:
    """Merge bases in one repository.

    :param tip: the branch's tip, from which one line of merges will start; None: nothing is known of that, and all of
        history is looked at.
    :param commits: what will be joined.
    """

    def __init__(self, git: Runner, tip: str | None, commits: Iterable[str]) -> None:
        self._git = git
        self._tip = tip
        self._commits = tuple(commits)
        self._known: Ancestry | None = None

    def of(self, ours: str, theirs: str) -> tuple[str, ...]:
        """All best common ancestors; none when the two have no common history.

        :raises git_review.git.errors.GitFailed: git cannot read their history.
        """
        if self._known is None:
            self._known = self._look()
        found = self._known.bases(ours, theirs)
        if not found:  # git passes over what it lacks of the tip's own history, and then nothing seems to be common
            found = tuple(self._git.query("merge-base", "--all", ours, theirs, ok=(0, 1)).sure().lines)
        return found

    def note(self, made: str, parents: tuple[str, ...]) -> None:
        """Remember a commit that was made here."""
        if self._known is not None:
            self._known.note(made, parents)

    def _look(self) -> Ancestry:
        asked = "".join(f"{sha}\n" for sha in self._commits)
        end = () if self._tip is None else ("--boundary", "--not", self._tip)
        shape = ("rev-list", "--topo-order", "--parents", "--stdin")
        return ancestry(self._tip, self._git.query(*shape, *end, stdin=asked).lines)
