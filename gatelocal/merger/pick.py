"""One change onto a branch by picking its commits, as cherry-pick and rebase do, without a work tree."""

from __future__ import annotations

from gatelocal.merger import commits
from gatelocal.merger.commits import Original
from gatelocal.merger.trees import Trees
from git_review.git import objects
from git_review.git.runner import Runner

_SCRATCH = f"{commits.WHO} 0 +0000"
_KEPT = "what the commit is applied to"


class Picker:
    """Picks commits in one repository.

    :param git: from :func:`git_review.git.objects.alone`. :param trees: merges in the same repository.
    """

    def __init__(self, git: Runner, trees: Trees) -> None:
        self._git = git
        self._trees = trees

    def cherry_pick(self, base: Original, commit: Original) -> str:
        """`commit`, which is no merge, on top of `base`.

        Author, author's date and message stay. What `base` has already is left out; what was empty from the start is
        kept (Zuul's rule).
        :raises gatelocal.merger.trees.Clash: a person is needed.
        """
        tree = self._applied(base, commit)
        return base.id if tree == base.tree and not self._empty(commit) else self._write(base, commit, tree)

    def rebase(self, base: Original, commit: str) -> str:
        """`commit` with all that it has beyond `base`, as ``git rebase`` puts it there: in one line, merges left out.

        What another commit of `base` has done already, and what becomes empty, is left out; what needs no move keeps
        its id. Errors as for :meth:`cherry_pick`.
        """
        if objects.is_ancestor(self._git, commit, base.id):
            return base.id
        if self._is_up_to_date(base.id, commit):
            return commit
        head = base
        for each in commits.ahead(self._git, base.id, commit):
            if each.applied and not self._empty(each):
                continue
            if each.parents == (head.id,):
                head = each
                continue
            tree = self._applied(head, each)
            if tree != head.tree or self._empty(each):
                head = commits.read(self._git, self._write(head, each, tree))
        return head.id

    def _is_up_to_date(self, base: str, commit: str) -> bool:
        if not objects.is_ancestor(self._git, base, commit):
            return False
        return not self._git.query("rev-list", "--merges", "--max-count=1", f"{base}..{commit}").text

    def _applied(self, onto: Original, commit: Original) -> str:
        """The tree of `onto` with what `commit` did to its parent.

        ``merge-tree`` of git 2.38 finds the ancestor by itself, so that it is given a commit that holds the tree of
        `onto` and has the very parent of `commit`.
        """
        if not commit.parents:
            empty = self._git.run("hash-object", "-t", "tree", "-w", "--stdin").text
            root = self._scratch(empty, ())
            ours, theirs = self._scratch(onto.tree, (root,)), self._scratch(commit.tree, (root,))
            return self._trees.merged(ours, theirs)
        if onto.tree == commit.tree:
            return onto.tree
        return self._trees.merged(self._scratch(onto.tree, commit.parents[:1]), commit.id)

    def _scratch(self, tree: str, parents: tuple[str, ...]) -> str:
        return commits.write(self._git, tree, parents, (_SCRATCH, _SCRATCH), _KEPT)

    def _empty(self, commit: Original) -> bool:
        if not commit.parents:
            return not self._git.query("ls-tree", commit.tree).text
        return commits.read(self._git, commit.parents[0]).tree == commit.tree

    def _write(self, base: Original, commit: Original, tree: str) -> str:
        who = commits.stamp((base.when, commit.when))
        return commits.write(self._git, tree, (base.id,), (commit.author, who), commit.message)
