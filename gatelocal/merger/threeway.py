"""Two folders and what both have come from, put together entry by entry; it reads no file and starts nothing.

What only one side changed is taken as it is, a whole folder at once: so a merge that needs no more costs only a look at
the folders on its way. The rule is that of git's index (``read-tree -m --aggressive``), which knows no renames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from git_review.git.trees import FILES, FOLDER, LINK_TO_COMMIT, Entry, Tree

Read = Callable[..., Sequence[Tree]]
"""Trees by their ids."""

_Value = TypeVar("_Value", str, bytes)

Write = Callable[[Mapping[bytes, Entry]], str]
"""Stores a tree and tells its id."""


@dataclass(frozen=True, slots=True)
class Open:
    """An entry that both sides changed, each in its way. None: there is none on that side."""

    base: Entry | None
    ours: Entry | None
    theirs: Entry | None

    @property
    def mode(self) -> bytes | None:
        """The mode of a file that is one everywhere, as far as only one side changed it; None for all else."""
        if self.base is None or self.ours is None or self.theirs is None:
            return None
        modes = self.base[0], self.ours[0], self.theirs[0]
        return _chosen(*modes) if FILES.issuperset(modes) else None

    @property
    def decided(self) -> Entry | None:
        """A file whose lines only one side changed, and its mode only the other."""
        mode = self.mode
        if mode is None or self.base is None or self.ours is None or self.theirs is None:
            return None
        sha = _chosen(self.base[1], self.ours[1], self.theirs[1])
        return None if sha is None else (mode, sha)

    @property
    def files(self) -> tuple[str, ...]:
        """The ids of the files, and links, among the three."""
        present = [one for one in (self.base, self.ours, self.theirs) if one is not None]
        return tuple(sha for mode, sha in present if mode not in (FOLDER, LINK_TO_COMMIT))


@dataclass(frozen=True, slots=True)
class Joined:
    """A folder that is made of two.

    :ivar entries: what is decided. :ivar inside: folders in it that are made of two as well.
    :ivar open: what is not decided. :ivar alike: whether both sides took the same entry away, or brought the same one,
        or changed a folder in the same way.
    """

    entries: Mapping[bytes, Entry]
    inside: Mapping[bytes, Joined]
    open: Mapping[bytes, Open]
    alike: bool

    @property
    def undecided(self) -> tuple[Open, ...]:
        """What is open here and in all folders below."""
        return (*self.open.values(), *(one for folder in self.inside.values() for one in folder.undecided))

    @property
    def without_renames(self) -> bool:
        """Whether no rename on either side could have a say in the merge, but for what is open.

        A rename begins at an entry that its side took away. If the other side changed that entry, or brought something
        into a folder that is gone, it is open here; so it is if both brought something different to one place. What is
        left is an entry that both took away, perhaps each to another place; and what both brought alike.
        """
        return not self.alike and all(one.without_renames for one in self.inside.values())


def join(read: Read, base: str, ours: str, theirs: str) -> Joined:
    """Put the folder `theirs` onto `ours`."""
    old, mine, other = (tree.entries for tree in read(base, ours, theirs))
    entries, inside, undecided, alike = dict(mine), {}, {}, False
    for name in {name for name, _ in old.items() ^ other.items()}:
        one = Open(old.get(name), mine.get(name), other.get(name))
        if one.ours == one.theirs:
            alike |= one.base is None or one.ours is None or FOLDER in (one.base[0], one.ours[0])
            continue
        if one.ours == one.base:
            entries.pop(name, None)
            if one.theirs is not None:
                entries[name] = one.theirs
        elif one.base and one.ours and one.theirs and one.base[0] == one.ours[0] == one.theirs[0] == FOLDER:
            inside[name] = join(read, one.base[1], one.ours[1], one.theirs[1])
        elif one.decided is not None:
            entries[name] = one.decided
        else:
            undecided[name] = one
    return Joined(entries, inside, undecided, alike)


def _chosen(base: _Value, ours: _Value, theirs: _Value) -> _Value | None:
    """The value of the side that changed it; None when both did, each in its way."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else None


def store(write: Write, joined: Joined, decided: Mapping[Open, Entry]) -> str:
    """The id of the tree. :param decided: all that was open."""
    return write(_whole(write, joined, decided))


def _whole(write: Write, joined: Joined, decided: Mapping[Open, Entry]) -> dict[bytes, Entry]:
    """All entries; a folder in which nothing is left is left out."""
    entries = {**joined.entries, **{name: decided[one] for name, one in joined.open.items()}}
    for name, one in joined.inside.items():
        inner = _whole(write, one, decided)
        entries.pop(name)
        if inner:
            entries[name] = (FOLDER, write(inner))
    return entries
