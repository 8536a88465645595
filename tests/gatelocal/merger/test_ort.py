"""Merges by folders and lines, beside those of git itself, on trees that were changed at random on both sides."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.merger.resolve import Resolver
from gatelocal.merger.trees import Clash, Trees
from git_review.git import loose, objects
from git_review.git.trees import FOLDER, Entry, TreeStore

pytestmark = pytest.mark.live

SEED = 20261130
ROUNDS = 400

Files = dict[str, tuple[bytes, bytes]]
"""Path → mode and content."""


class Dice:
    """Random edits of a tree of a few folders."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.made = 0

    def start(self) -> Files:
        """Some files in folders."""
        names = [f"{folder}f{at}" for folder in ("", "a/", "a/b/", "c/") for at in range(self.chance.randrange(1, 4))]
        return {name: (b"100644", self._text(name)) for name in names}

    def side(self, files: Files) -> Files:
        """What one side has made of it."""
        found = dict(files)
        for _ in range(self.chance.randrange(1, 4)):
            wanted = (self._edit, self._edit, self._edit, self._add, self._move, self._delete, self._mode, self._folder)
            self.chance.choice(wanted)(found)
        return found

    def _text(self, name: str) -> bytes:
        rows = [f"{name} {at}\n" if at % 3 else "\n" for at in range(24)]
        return "".join(rows).encode()

    def _name(self) -> str:
        """A name that may be taken on the other side as well."""
        return f"{self.chance.choice(('', 'a/', 'a/b/', 'c/', 'd/', 'e/b/'))}n{self.chance.randrange(4)}"

    def _edit(self, files: Files) -> None:
        if files:
            name = self.chance.choice(sorted(files))
            mode, text = files[name]
            rows = text.split(b"\n")
            at = self.chance.choice((0, len(rows) // 2, len(rows) - 2, self.chance.randrange(len(rows))))
            rows[at : at + self.chance.randrange(2)] = [b"edit %d" % self.chance.randrange(3)]
            files[name] = (mode, b"\n".join(rows))

    def _add(self, files: Files) -> None:
        self._put(files, self._name(), (b"100644", self._text(f"new {self.chance.randrange(3)}")))

    def _move(self, files: Files) -> None:
        if files:
            name = self.chance.choice(sorted(files))
            self._put(files, self._name(), files.pop(name))

    def _delete(self, files: Files) -> None:
        if files:
            del files[self.chance.choice(sorted(files))]

    def _mode(self, files: Files) -> None:
        if files:
            name = self.chance.choice(sorted(files))
            mode, text = files[name]
            files[name] = (b"100755" if mode == b"100644" else b"100644", text)

    def _folder(self, files: Files) -> None:
        """A whole folder gets another name."""
        old, new = self.chance.choice(("a/", "a/b/", "c/")), self.chance.choice(("d/", "e/b/", "a/g/"))
        for name in [name for name in files if name.startswith(old)]:
            self._put(files, new + name.removeprefix(old), files.pop(name))

    def _put(self, files: Files, name: str, value: tuple[bytes, bytes]) -> None:
        """Take a name, unless a folder has it, or a file the folder's."""
        parts = name.split("/")
        above = {"/".join(parts[:at]) for at in range(1, len(parts))}
        if not above & files.keys() and not any(one.startswith(f"{name}/") for one in files):
            files[name] = value


class Place:
    """A bare repository."""

    def __init__(self, folder: Path) -> None:
        objects.alone(folder).run("init", "-q", "--bare", "--template=", "r.git")
        self.git = objects.alone(folder / "r.git")
        self.writer = loose.writer(self.git)
        self.store = TreeStore(self.git, self.writer)
        self.trees = Trees(self.git, self.store)
        self.resolver = Resolver(self.git, self.trees, self.store, self.writer)

    def commit(self, files: Files, parents: tuple[str, ...] = ()) -> str:
        """A commit with these files."""
        entries: dict[bytes, Entry] = {}
        inner: dict[str, Files] = {}
        for name, (mode, text) in files.items():
            first, _, rest = name.partition("/")
            if rest:
                inner.setdefault(first, {})[rest] = (mode, text)
            else:
                entries[first.encode()] = (mode, self.writer.write("blob", text))
        for name, below in inner.items():
            entries[name.encode()] = (FOLDER, self.tree(below))
        who = "A <a@example.org> 1700000000 +0000"
        text = objects.commit_text(self.store.write(entries), parents, (who, who), "m")
        return self.writer.write("commit", text.encode())

    def tree(self, files: Files) -> str:
        """The id of a folder."""
        return self.store.read(f"{self.commit(files)}^{{tree}}")[0].id


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.trees.close()
    made.store.close()


def _answer(call: object, *args: object) -> str:
    try:
        return call(*args)  # type: ignore[operator, no-any-return]
    except Clash:
        return "a person is needed"


def test_every_tree_is_gits_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    merged = place.trees.merged
    monkeypatch.setattr(place.trees, "merged", lambda *pair: (asked.append(pair), merged(*pair))[1])
    dice = Dice(SEED)
    for number in range(ROUNDS):
        files = dice.start()
        base = place.commit(files)
        sides = [place.commit(dice.side(files), (base,)) for _ in range(2)]
        found = _answer(place.resolver.ort, (base,), *sides)
        assert found == _answer(merged, *sides), f"round {number}"
    assert ROUNDS / 4 < len(asked) < ROUNDS * 3 / 4  # both roads were gone
