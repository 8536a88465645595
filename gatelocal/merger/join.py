"""One change onto one commit in a bare repository, the same commit for the same input anywhere, any time."""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.merger import commits
from gatelocal.merger.bases import Bases
from gatelocal.merger.pick import Picker
from gatelocal.merger.resolve import Resolver
from gatelocal.merger.trees import Trees
from gatelocal.model.merged import DEFAULT_MODE, MergeMode
from git_review.git import loose, objects
from git_review.git.objects import CommitFacts, commit_text
from git_review.git.runner import Runner
from git_review.git.trees import TreeStore


class Joiner:
    """Puts changes onto commits in one repository, for a merge with one git process each and little more; a context
    manager.

    :param git: from :func:`git_review.git.objects.alone`.
    :param known: every branch tip and change that will be joined; they are looked up in one process.
    :param tip: where one line of joins starts; None when they have nothing to do with one another.
    """

    def __init__(self, git: Runner, known: Iterable[str], tip: str | None = None) -> None:
        self._git = git
        self._facts = objects.commit_facts(git, dict.fromkeys(known))
        self._writer = loose.writer(git)
        self._store = TreeStore(git, self._writer)
        self._trees = Trees(git, self._store)
        self._picker = Picker(git, self._trees)
        self._resolver = Resolver(git, self._trees, self._store, self._writer)
        self._bases = Bases(git, tip, [one for one in self._facts if one != tip])

    def __enter__(self) -> Joiner:
        return self

    def __exit__(self, *_: object) -> None:
        self._trees.close()
        self._store.close()

    def tree(self, commit: str) -> str:
        """The tree id of a commit that was given or made here."""
        return self._facts[commit].tree

    def join(self, base: str, commit: str, message: str, mode: MergeMode = DEFAULT_MODE) -> str:
        """The commit that holds both, by that mode as Zuul's merger carries it out.

        A commit that has to be made is dated with the later date of the two: it depends on its input only. Picked
        commits keep author and message.

        :param message: of a commit that has none yet.
        :raises gatelocal.merger.trees.Clash: a person is needed.
        """
        match mode:
            case MergeMode.MERGE_RESOLVE:
                return self._merge(base, commit, message, resolve=True)
            case MergeMode.MERGE | MergeMode.MERGE_RECURSIVE | MergeMode.MERGE_ORT:
                return self._merge(base, commit, message, resolve=False)
            case MergeMode.SQUASH_MERGE:
                return self._write(self._trees.merged(base, commit), base, (base,), commit, message)
            case MergeMode.CHERRY_PICK:
                return self._cherry_pick(base, commit, message)
            case MergeMode.REBASE:
                return self._known(self._picker.rebase(commits.read(self._git, base), commit))
            case MergeMode.REBASE_FIRST_PARENT:
                return self._rebase_first_parent(base, commit)

    def _merge(self, base: str, commit: str, message: str, *, resolve: bool) -> str:
        """`base` if it has `commit` already, `commit` if that is ahead of it, else a merge of the two."""
        bases = self._bases.of(base, commit)
        if bases == (commit,):
            return base
        if bases == (base,):
            return commit
        merged = self._resolver.resolve if resolve else self._resolver.ort
        return self._write(merged(bases, base, commit), base, (base, commit), commit, message)

    def _cherry_pick(self, base: str, commit: str, message: str) -> str:
        picked = commits.read(self._git, commit)
        if len(picked.parents) > 1:
            return self._merge(base, commit, message, resolve=True)
        return self._known(self._picker.cherry_pick(commits.read(self._git, base), picked))

    def _rebase_first_parent(self, base: str, commit: str) -> str:
        """As Gerrit rebases a merge commit: it stays a merge, with `base` in place of its first parent."""
        picked = commits.read(self._git, commit)
        if len(picked.parents) < 2:
            return self._known(self._picker.rebase(commits.read(self._git, base), commit))
        parents = (base, *picked.parents[1:])
        return self._write(self._trees.merged(base, commit), base, parents, commit, picked.message)

    def _write(self, tree: str, base: str, parents: tuple[str, ...], commit: str, message: str) -> str:
        who = commits.stamp((self._facts[base].when, self._facts[commit].when))
        text = commit_text(tree, parents, (who, who), message)
        made = self._writer.write("commit", text.encode("utf-8", "surrogateescape"))
        self._facts[made] = CommitFacts(made, tree, int(who.split()[-2]))
        self._bases.note(made, parents)
        return made

    def _known(self, commit: str) -> str:
        if commit not in self._facts:
            self._facts |= objects.commit_facts(self._git, [commit])
        return commit
