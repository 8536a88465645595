"""What ``git merge`` makes of two commits, by ``ort`` or ``resolve``: by folders and lines where that is enough.

``ort`` follows renames and heeds attributes: where none can have a say, all that is left to it are folders and lines.
For everything else ``merge-tree`` is asked.

``resolve`` knows no renames and asks no attributes; it is carried out by folders and lines, by ``merge-tree``, or in
git's own steps. ``merge-tree`` follows renames, which git 2.39 cannot be talked out of: so it is asked only where both
sides have changed lines of the same files and nothing else is in question. Its eye for equal lines is a little better.
A file that only changed its mode on one side and its content on the other is merged, too.

With more than one common ancestor it is ``ort`` that merges, which merges the ancestors first. The strategy's own way
cannot read more than five of them, and guesses with fewer; see ``doc/source/decisions/``.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gatelocal.merger import lines, threeway
from gatelocal.merger.threeway import Open
from gatelocal.merger.trees import Clash, Trees
from git_review.git.loose import LooseWriter
from git_review.git.runner import Runner
from git_review.git.trees import Entry, TreeStore


class Resolver:
    """Both strategies in one bare repository.

    :param store: the repository's trees. :param writer: into the same repository.
    """

    def __init__(self, git: Runner, trees: Trees, store: TreeStore, writer: LooseWriter) -> None:
        self._git = git
        self._trees = trees
        self._store = store
        self._writer = writer

    def ort(self, bases: Sequence[str], ours: str, theirs: str) -> str:
        """The tree id of the merge by ``ort``, as :meth:`gatelocal.merger.trees.Trees.merged` tells it.

        :param bases: all best common ancestors.
        :raises Clash: with the files, or with none when the two have no common history.
        """
        if len(bases) == 1 and self._trees.attributes(ours) is None:
            joined = threeway.join(self._store.read, *(f"{one}^{{tree}}" for one in (bases[0], ours, theirs)))
            decided = self._apart(joined.undecided) if joined.without_renames else None
            if decided is not None:
                return threeway.store(self._store.write, joined, decided)
        return self._trees.merged(ours, theirs)

    def resolve(self, bases: Sequence[str], ours: str, theirs: str) -> str:
        """The tree id of the merge by ``resolve``.

        :param bases: all best common ancestors.
        :raises Clash: with the files, or with none when the two have no common history.
        """
        if not bases:
            raise Clash((ours, theirs), (), "the two have no common history", ())
        if len(bases) > 1:
            return self._trees.merged(ours, theirs)
        joined = threeway.join(self._store.read, *(f"{one}^{{tree}}" for one in (bases[0], ours, theirs)))
        undecided = joined.undecided
        if all(one.mode is not None for one in undecided):
            decided = self._apart(undecided)
            if decided is not None:
                return threeway.store(self._store.write, joined, decided)
            with contextlib.suppress(Clash):
                return self._trees.plain(ours, theirs)
        # To the steps below, a file that cannot be read is a conflict like any other.
        self._store.files(*(sha for one in undecided for sha in one.files))
        return self._exactly(bases[0], ours, theirs)

    def _apart(self, undecided: Sequence[Open]) -> dict[Open, Entry] | None:
        """The files that both sides changed, if all of them were changed in different parts."""
        if any(one.mode is None for one in undecided):
            return None
        found: dict[Open, Entry] = {}
        for one in undecided:
            text = lines.apart(*self._store.files(*one.files))
            if text is None or one.mode is None:
                return None
            found[one] = (one.mode, self._writer.write("blob", text))
        return found

    def _exactly(self, base: str, ours: str, theirs: str) -> str:
        """The steps of ``git merge-resolve`` on an index and in a work tree of their own."""
        with tempfile.TemporaryDirectory(prefix="git-resolve-") as folder:
            place = Path(folder)
            (place / "tree").mkdir()
            git = ("-C", str(place / "tree"))
            variables = {
                "GIT_DIR": self._git.query("rev-parse", "--absolute-git-dir").text,
                "GIT_WORK_TREE": str(place / "tree"),
                "GIT_INDEX_FILE": str(place / "index"),
            }
            self._git.run(*git, "read-tree", "-i", "-m", "--aggressive", base, ours, theirs, environment=variables)
            one_file = ("merge-index", "-o", "git-merge-one-file", "-a")
            done = self._git.run(*git, *one_file, ok=(0, 1, 128), environment=variables)
            if done.status == 0:
                return self._git.run(*git, "write-tree", environment=variables).text
            left = self._git.query(*git, "ls-files", "--unmerged", "-z", environment=variables).stdout.split("\0")
        files = dict.fromkeys(record.partition("\t")[2] for record in left if record)
        told = self._told(ours, theirs)
        words = told.details if told else f"{done.stdout}{done.stderr}"
        raise Clash((ours, theirs), files or (told.files if told else ("(its folders)",)), words, _shown(ours, theirs))

    def _told(self, ours: str, theirs: str) -> Clash | None:
        """What ``merge-tree`` says of the conflict, which tells a person more than the strategy's own words."""
        try:
            self._trees.plain(ours, theirs)
        except Clash as clash:
            return clash
        return None


def _shown(ours: str, theirs: str) -> tuple[str, ...]:
    return ("merge-tree", ours, theirs)
