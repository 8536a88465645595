"""Trees and files of a repository through git processes that stay open; it knows no commits and merges nothing."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from git_review.git.errors import GitError
from git_review.git.runner import Dialogue, Runner

FOLDER = b"40000"
LINK_TO_COMMIT = b"160000"
FILES = frozenset((b"100644", b"100755"))
_KINDS = {FOLDER: b"tree", b"100644": b"blob", b"100755": b"blob", b"120000": b"blob", LINK_TO_COMMIT: b"commit"}
_KEPT = 4096
"""So many trees are remembered; a repository of 70,000 files has some 7,000."""

Entry = tuple[bytes, str]
"""Mode and object id."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder. :ivar entries: name → mode, in git's own spelling (``40000``, ``100644``), and object id."""

    id: str
    entries: Mapping[bytes, Entry]


class TreeStore:
    """The trees of one repository; a context manager. Nothing is started before the first question.

    :param git: from :func:`git_review.git.objects.alone`.
    """

    def __init__(self, git: Runner) -> None:
        self._git = git
        self._stack = contextlib.ExitStack()
        self._reading: Dialogue | None = None
        self._writing: Dialogue | None = None
        self._trees: dict[str, Tree] = {}

    def __enter__(self) -> TreeStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes. Twice is harmless."""
        self._reading = self._writing = None
        self._stack.close()
        self._trees.clear()

    def read(self, name: str) -> Tree:
        """A tree by its id, or that of a commit by ``ID^{tree}``.

        :raises GitError: it is missing, damaged or no tree: never an empty one in its place.
        """
        known = self._trees.get(name)
        if known is None:
            if len(self._trees) >= _KEPT:
                self._trees.clear()
            known = self._trees[name] = self._read(name)
        return known

    def write(self, entries: Mapping[bytes, Entry]) -> str:
        """The id of a tree with these entries. :raises GitError: one of them is no object of the repository."""
        if self._writing is None:
            self._writing = self._stack.enter_context(self._git.converse("mktree", "-z", "--batch"))
        rows = [b"%b %b %b\t%b\0" % (mode, _KINDS[mode], sha.encode(), name) for name, (mode, sha) in entries.items()]
        self._writing.tell(b"".join((*rows, b"\0")))
        return self._writing.line()

    def blob(self, sha: str) -> bytes:
        """A file's content. :raises GitError: it is missing, damaged or no file."""
        return self._object(sha, "blob")[1]

    def _read(self, name: str) -> Tree:
        sha, data = self._object(name, "tree")
        return Tree(sha, _entries(data, len(sha) // 2))

    def _object(self, name: str, wanted: str) -> tuple[str, bytes]:
        if self._reading is None:
            self._reading = self._stack.enter_context(self._git.converse("cat-file", "--batch"))
        sha, _, rest = self._reading.ask(name).partition(" ")
        kind, _, size = rest.partition(" ")
        if not size.isdecimal():
            raise GitError(f"the repository lacks the object {name}", details=f"{sha} {rest}")
        data = self._reading.bytes(int(size) + 1)[:-1]
        if kind != wanted:
            raise GitError(f"the object {name} is a {kind}, no {wanted}")
        return sha, data


def _entries(data: bytes, width: int) -> dict[bytes, Entry]:
    """The entries of a tree object: mode, blank, name, NUL and an id of `width` bytes, again and again."""
    found: dict[bytes, Entry] = {}
    at = 0
    while at < len(data):
        blank = data.index(b" ", at)
        end = data.index(b"\0", blank)
        mode = data[at:blank]
        found[data[blank + 1 : end]] = (mode if mode in _KINDS else _usual(mode), data[end + 1 : end + 1 + width].hex())
        at = end + 1 + width
    return found


def _usual(mode: bytes) -> bytes:
    """What git takes a mode for that it does not write any more, such as ``100664`` (``canon_mode`` in its cache.h)."""
    bits = int(mode, 8)
    if stat.S_ISREG(bits):
        return b"100755" if bits & stat.S_IXUSR else b"100644"
    return FOLDER if stat.S_ISDIR(bits) else b"120000" if stat.S_ISLNK(bits) else LINK_TO_COMMIT
