"""Three-way merges of whole trees in memory, by git's own machinery; no work tree of anybody's is read or written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from git_review.git import objects
from git_review.git.errors import MergeConflict
from git_review.git.runner import Runner
from git_review.git.trees import FILES, FOLDER, TreeStore

_ATTRIBUTES = b".gitattributes"
_PLAIN = ("-c", "merge.directoryRenames=false")


class Clash(MergeConflict):
    """Two commits cannot be merged without a person.

    :ivar shown: the arguments with which git shows the conflict again, in the same repository.
    """

    def __init__(self, pair: tuple[str, str], files: Iterable[str], output: str, shown: tuple[str, ...]) -> None:
        super().__init__(*pair, tuple(files), output)
        self.shown = shown


class Trees:
    """Merges in one bare repository; a context manager.

    :param git: from :func:`git_review.git.objects.alone`. :param store: the trees of the same repository.
    """

    def __init__(self, git: Runner, store: TreeStore) -> None:
        self._git = git
        self._store = store
        self._with: dict[str, tuple[tuple[str, str], ...]] = {}
        self._stack = contextlib.ExitStack()
        self._attributes: dict[str, Path | None] = {}

    def __enter__(self) -> Trees:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was written to scratch folders. Twice is harmless."""
        self._stack.close()
        self._attributes.clear()

    def plain(self, ours: str, theirs: str) -> str:
        """The tree id of the merge of two commits, no attributes heeded and no renamed folders followed.

        :raises Clash: with the files, or with none when the two have no common history.
        """
        return self._merge(_PLAIN, ours, theirs)

    def merged(self, ours: str, theirs: str) -> str:
        """The tree id that ``git merge`` (strategy ``ort``) makes of them where `ours` is checked out.

        Renames are followed, and merge attributes (``merge=union``) of `ours` are heeded, as in a work tree.
        :raises Clash: as :meth:`plain`.
        """
        folder = self.attributes(ours)
        if folder is None:
            return self._merge((), ours, theirs)
        place = self._git.query("rev-parse", "--absolute-git-dir").text
        return self._merge(("-C", str(folder), f"--git-dir={place}", f"--work-tree={folder}"), ours, theirs)

    def attributes(self, commit: str) -> Path | None:
        """A folder with the commit's attribute files where one of them has a word on merging; None: none has."""
        if commit not in self._attributes:
            self._attributes[commit] = self._attributes_of(commit)
        return self._attributes[commit]

    def _merge(self, options: tuple[str, ...], ours: str, theirs: str) -> str:
        try:
            return objects.merge_tree(self._git, ours, theirs, options)
        except MergeConflict as found:
            shown = ("merge-tree", ours, theirs) if found.files else ()
            raise Clash((ours, theirs), found.files, found.details, shown) from found

    def _attributes_of(self, commit: str) -> Path | None:
        files = self._files(f"{commit}^{{tree}}")
        found = dict(zip((name for name, _ in files), self._store.files(*(sha for _, sha in files)), strict=True))
        if not any(b"merge" in text or b"binary" in text for text in found.values()):
            return None
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="git-attributes-")))
        for name, text in found.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        return folder

    def _files(self, tree: str) -> tuple[tuple[str, str], ...]:
        """Name and id of the attribute files in a folder and in all those below; each folder is looked at once."""
        if tree not in self._with:
            found = []
            for name, (mode, sha) in self._store.read(tree)[0].entries.items():
                if mode == FOLDER:
                    found += [(f"{os.fsdecode(name)}/{inner}", file) for inner, file in self._files(sha)]
                elif name == _ATTRIBUTES and mode in FILES:
                    found.append((os.fsdecode(name), sha))
            self._with[tree] = tuple(found)
        return self._with[tree]
