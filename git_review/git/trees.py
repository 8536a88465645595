"""Trees and files of a repository through one git process that stays open; it knows no commits and merges nothing."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from git_review.git.errors import GitError
from git_review.git.loose import LooseWriter
from git_review.git.runner import Dialogue, Runner

FOLDER = b"40000"
LINK_TO_COMMIT = b"160000"
FILES = frozenset((b"100644", b"100755"))
_MODES = frozenset((FOLDER, *FILES, b"120000", LINK_TO_COMMIT))
_KEPT = 4096
"""So many trees are remembered; a repository of 70,000 files has some 7,000."""

_AT_ONCE = 100
"""So many questions are asked before an answer is read; they must fit into a pipe."""

Entry = tuple[bytes, str]
"""Mode and object id."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder. :ivar entries: name → mode, in git's own spelling (``40000``, ``100644``), and object id."""

    id: str
    entries: Mapping[bytes, Entry]


class TreeStore:
    """The trees of one repository; a context manager. Nothing is started before the first question.

    :param git: from :func:`git_review.git.objects.alone`. :param writer: into the same repository; None: only read.
    """

    def __init__(self, git: Runner, writer: LooseWriter | None = None) -> None:
        self._git = git
        self._writer = writer
        self._stack = contextlib.ExitStack()
        self._reading: Dialogue | None = None
        self._trees: dict[str, Tree] = {}

    def __enter__(self) -> TreeStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes. Twice is harmless."""
        self._reading = None
        self._stack.close()
        self._trees.clear()

    def read(self, *names: str) -> tuple[Tree, ...]:
        """Trees, each by its id, or that of a commit by ``ID^{tree}``.

        :raises GitError: one is missing, damaged or no tree: there is never an empty one in its place.
        """
        lacking = [name for name in dict.fromkeys(names) if name not in self._trees]
        fresh = {name: Tree(sha, _entries(data, len(sha) // 2)) for name, sha, data in self._objects("tree", lacking)}
        found = tuple(fresh.get(name) or self._trees[name] for name in names)
        for name, tree in fresh.items():
            self._keep(name, tree)
        return found

    def write(self, entries: Mapping[bytes, Entry]) -> str:
        """The id of a tree with these entries. :raises GitError: it cannot be written."""
        assert self._writer is not None  # noqa: S101 - who writes says where to
        rows = sorted(entries.items(), key=_in_order)
        content = b"".join(b"%b %b\0%b" % (mode, name, bytes.fromhex(sha)) for name, (mode, sha) in rows)
        sha = self._writer.write("tree", content)
        self._keep(sha, Tree(sha, entries))
        return sha

    def files(self, *ids: str) -> tuple[bytes, ...]:
        """Files' contents. :raises GitError: one is missing, damaged or no file."""
        return tuple(data for _, _, data in self._objects("blob", ids))

    def _keep(self, name: str, tree: Tree) -> None:
        if len(self._trees) >= _KEPT:
            self._trees.clear()
        self._trees[name] = tree

    def _objects(self, wanted: str, names: Sequence[str]) -> list[tuple[str, str, bytes]]:
        """Name, id and content of objects of one kind."""
        found = []
        for start in range(0, len(names), _AT_ONCE):
            if self._reading is None:
                self._reading = self._stack.enter_context(self._git.converse("cat-file", "--batch"))
            some = names[start : start + _AT_ONCE]
            self._reading.tell("".join(f"{name}\n" for name in some).encode())
            found += [(name, *self._answer(self._reading, name, wanted)) for name in some]
        return found

    def _answer(self, reading: Dialogue, name: str, wanted: str) -> tuple[str, bytes]:
        sha, _, rest = reading.line().partition(" ")
        kind, _, size = rest.partition(" ")
        if not size.isdecimal():
            self.close()
            raise GitError(f"the repository lacks the object {name}", details=f"{sha} {rest}")
        data = reading.bytes(int(size) + 1)[:-1]
        if kind != wanted:
            self.close()
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
        found[data[blank + 1 : end]] = (mode if mode in _MODES else _usual(mode), data[end + 1 : end + 1 + width].hex())
        at = end + 1 + width
    return found


def _in_order(row: tuple[bytes, Entry]) -> bytes:
    """How git sorts: a folder as if a slash were part of its name."""
    name, (mode, _) = row
    return name + b"/" if mode == FOLDER else name


def _usual(mode: bytes) -> bytes:
    """What git takes a mode for that it does not write any more, such as ``100664`` (``canon_mode`` in its cache.h)."""
    bits = int(mode, 8)
    if stat.S_ISREG(bits):
        return b"100755" if bits & stat.S_IXUSR else b"100644"
    return FOLDER if stat.S_ISDIR(bits) else b"120000" if stat.S_ISLNK(bits) else LINK_TO_COMMIT
