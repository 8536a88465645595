"""What ``git merge -s resolve`` makes of two commits: ``merge-tree`` where that is the same, else git's own steps.

The strategy knows no renames and asks no attributes. ``merge-tree`` follows renames, which git 2.39 cannot be talked
out of: so its answer counts only where the two sides have one common ancestor and no file that one of them edited is
gone on the other. Files that both sides edited are merged by ``merge-tree``, whose eye for equal lines is a little
better. A file that only changed its mode on one side and its content on the other is merged, too.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.merger.plan import Lineage, lineage
from gatelocal.merger.trees import Clash, Trees
from git_review.git.errors import GitFailed
from git_review.git.runner import Dialogue, Runner

_NONE = "0" * 64
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change does to one path: modes and blobs before and after, zeros where there is none."""

    modes: tuple[str, str]
    blobs: tuple[str, str]
    path: str


class Resolver:
    """The strategy in one bare repository; a context manager.

    :param tip: the branch's tip, from which one line of merges will start; None: nothing is known of that.
    :param changes: what will be merged into it.
    """

    def __init__(self, git: Runner, trees: Trees, tip: str | None, changes: Iterable[str]) -> None:
        self._git = git
        self._trees = trees
        self._stack = contextlib.ExitStack()
        self._objects: Dialogue | None = None
        self._edits: dict[tuple[str, str], tuple[Edit, ...]] = {}
        self._line = Lineage({}, frozenset()) if tip is None else self._look(tip, tuple(changes))

    def __enter__(self) -> Resolver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what was started. Twice is harmless."""
        self._objects = None
        self._stack.close()

    def note(self, made: str, ours: str, theirs: str) -> None:
        """Remember that `made` holds both, which saves a look at history later."""
        self._line.note(made, ours, theirs)

    def tree(self, ours: str, theirs: str) -> str:
        """The tree id of the merge.

        :raises Clash: with the files, or with none when the two have no common history.
        """
        base = self._line.base(ours, theirs)
        bases = [base] if base else self._git.query("merge-base", "--all", ours, theirs, ok=(0, 1)).lines
        if len(bases) != 1:
            return self._exactly(bases, ours, theirs)
        try:
            tree = self._trees.plain(ours, theirs)
        except Clash:
            return self._exactly(bases, ours, theirs)
        return self._exactly(bases, ours, theirs) if self._doubtful(bases[0], ours, theirs) else tree

    def _look(self, tip: str, changes: Sequence[str]) -> Lineage:
        asked = "".join(f"{sha}\n" for sha in changes)
        walked = self._git.query("rev-list", "--parents", "--boundary", "--stdin", "--not", tip, stdin=asked).lines
        line = lineage(tip, walked)
        every = frozenset(line.parents)
        pairs = [(base, change) for change in changes if (base := _below(line, change, every - {change}))]
        self._edits |= self._read(pairs)
        return line

    def _read(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[Edit, ...]]:
        """What each second commit has changed since the first, in one process."""
        if not pairs:
            return {}
        asked = "".join(f"{change} {base}\n" for base, change in pairs)
        shape = ("--stdin", "-r", "--no-renames", "--raw", "--no-abbrev", "--always", "-z")
        told = self._git.query("diff-tree", *shape, stdin=asked).stdout.split("\0")
        rows: list[list[Edit]] = []
        fields = iter(told)
        for one in fields:
            if one.startswith(":"):
                before, after, old, new, _ = one[1:].split(" ")
                rows[-1].append(Edit((before, after), (old, new), next(fields)))
            elif one:
                rows.append([])
        return {pair: tuple(edits) for pair, edits in zip(pairs, rows, strict=True)}

    def _doubtful(self, base: str, ours: str, theirs: str) -> bool:
        """Whether a rename, or a mode, may make a difference between the two ways to merge."""
        if (base, theirs) not in self._edits:
            self._edits |= self._read([(base, theirs)])
        return any(self._may_differ(ours, edit) for edit in self._edits[(base, theirs)])

    def _may_differ(self, ours: str, edit: Edit) -> bool:
        if "\n" in edit.path or _SUBMODULE in edit.modes:
            return True
        old, new = edit.blobs
        if old in _NONE:
            return False
        if self._objects is None:
            self._objects = self._stack.enter_context(self._git.converse("cat-file", "--batch-check"))
        now = self._objects.ask(f"{ours}:{edit.path}").split(" ")[0]
        if now == old:
            return False
        missing = now.startswith(ours)
        if new in _NONE:
            return not missing
        return missing or edit.modes[0] != edit.modes[1]

    def _exactly(self, bases: Sequence[str], ours: str, theirs: str) -> str:
        """The steps of ``git merge-resolve`` on an index and in a work tree of their own."""
        if not bases:
            raise Clash((ours, theirs), (), "the two have no common history", ())
        with tempfile.TemporaryDirectory(prefix="git-resolve-") as folder:
            place = Path(folder)
            (place / "tree").mkdir()
            git = ("-C", str(place / "tree"))
            variables = {
                "GIT_DIR": self._git.query("rev-parse", "--absolute-git-dir").text,
                "GIT_WORK_TREE": str(place / "tree"),
                "GIT_INDEX_FILE": str(place / "index"),
            }
            read = ("read-tree", "-i", "-m", "--aggressive", *bases, ours, theirs)
            one_file = ("merge-index", "-o", "git-merge-one-file", "-a")
            try:
                self._git.run(*git, *read, environment=variables)
                done = self._git.run(*git, *one_file, ok=(0, 1, 128), environment=variables)
            except GitFailed as error:
                raise Clash((ours, theirs), ("(its folders)",), error.details, _shown(ours, theirs)) from error
            if done.status == 0:
                return self._git.run(*git, "write-tree", environment=variables).text
            left = self._git.query(*git, "ls-files", "--unmerged", "-z", environment=variables).stdout.split("\0")
        files = dict.fromkeys(record.partition("\t")[2] for record in left if record)
        words = self._sentences(ours, theirs) or f"{done.stdout}{done.stderr}"
        raise Clash((ours, theirs), files, words, _shown(ours, theirs))

    def _sentences(self, ours: str, theirs: str) -> str:
        """What ``merge-tree`` says of the conflict, which tells a person more than the strategy's own words."""
        try:
            self._trees.plain(ours, theirs)
        except Clash as clash:
            return clash.details
        return ""


def _below(line: Lineage, change: str, others: frozenset[str]) -> str | None:
    """Where a change leaves the other changes, or the branch, when all of them are merged in order."""
    commit = change
    while commit not in line.below and (commit == change or commit not in others):
        parents = line.parents.get(commit, ())
        if len(parents) != 1:
            return None
        commit = parents[0]
    return commit


def _shown(ours: str, theirs: str) -> tuple[str, ...]:
    return ("merge-tree", ours, theirs)
