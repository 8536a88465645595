"""One merge of one commit onto another in a bare repository, the same commit for the same input anywhere, any time."""

from __future__ import annotations

from collections.abc import Iterable

from git_review.git import objects
from git_review.git.objects import CommitFacts
from git_review.git.runner import Runner

_WHO = "gatelocal <gatelocal@localhost>"
_LATEST = 2**40  # seconds; a forged date beyond that would not be a date to git


class Joiner:
    """Merges in one repository, a git process each and little more; a context manager.

    :param git: from :func:`git_review.git.objects.alone`.
    :param commits: every branch tip and change that will be joined; they are looked up in one process.
    """

    def __init__(self, git: Runner, commits: Iterable[str]) -> None:
        self._git = git
        self._facts = objects.commit_facts(git, commits)
        self._writer = objects.CommitWriter(git)

    def __enter__(self) -> Joiner:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def tree(self, commit: str) -> str:
        """The tree id of a commit that was given or made here."""
        return self._facts[commit].tree

    def join(self, base: str, commit: str, message: str) -> str:
        """The commit that holds both: `base` if it has `commit` already, `commit` if that is ahead of it, else a merge.

        A merge's parents are `base` and `commit`, its date is the later one of theirs: it depends on its input only.

        :raises git_review.git.errors.MergeConflict: a person is needed.
        """
        tree = objects.merge_tree(self._git, base, commit)
        ours, theirs = self._facts[base], self._facts[commit]
        # Equal trees are necessary for either shortcut, so that most merges need not walk any history.
        if tree == ours.tree and objects.is_ancestor(self._git, commit, base):
            return base
        if tree == theirs.tree and objects.is_ancestor(self._git, base, commit):
            return commit
        when = min(max(ours.when, theirs.when, 0), _LATEST)
        made = self._writer.write(tree, (base, commit), f"{_WHO} {when} +0000", message)
        self._facts[made] = CommitFacts(made, tree, when)
        return made
