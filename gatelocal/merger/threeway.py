"""Two folders and what both have come from, put together entry by entry; it reads no file and starts nothing.

What only one side changed is taken as it is, a whole folder at once: so a merge that needs no more costs only a look at
the folders on its way. The rule is that of git's index (``read-tree -m --aggressive``), which knows no renames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from git_review.git.trees import FILES, FOLDER, LINK_TO_COMMIT, Entry, Tree

Read = Callable[[str], Tree]
"""A tree by its id."""

Write = Callable[[Mapping[bytes, Entry]], str]
"""Stores a tree and tells its id."""


@dataclass(frozen=True, slots=True)
class Open:
    """An entry that both sides changed, each in its way. None: there is none on that side."""

    base: Entry | None
    ours: Entry | None
    theirs: Entry | None

    @property
    def is_text(self) -> bool:
        """Whether it is a file of one and the same mode everywhere, so that only its lines are in question."""
        modes = {None if one is None else one[0] for one in (self.base, self.ours, self.theirs)}
        return len(modes) == 1 and not modes.isdisjoint(FILES)

    @property
    def files(self) -> tuple[str, ...]:
        """The ids of the files, and links, among the three."""
        present = [one for one in (self.base, self.ours, self.theirs) if one is not None]
        return tuple(sha for mode, sha in present if mode not in (FOLDER, LINK_TO_COMMIT))


@dataclass(frozen=True, slots=True)
class Joined:
    """A folder that is made of two.

    :ivar entries: what is decided. :ivar inside: folders in it that are made of two as well.
    :ivar open: the entries that are not decided, of the folders in it, too.
    """

    entries: Mapping[bytes, Entry]
    inside: Mapping[bytes, Joined]
    open: tuple[Open, ...]


def join(read: Read, base: Tree, ours: Tree, theirs: Tree) -> Joined:
    """Put `theirs` onto `ours`."""
    entries, inside, undecided = dict(ours.entries), {}, []
    for name in {name for name, _ in base.entries.items() ^ theirs.entries.items()}:
        one = Open(base.entries.get(name), ours.entries.get(name), theirs.entries.get(name))
        if one.ours == one.theirs:
            continue
        if one.ours == one.base:
            entries.pop(name, None)
            if one.theirs is not None:
                entries[name] = one.theirs
        elif one.base and one.ours and one.theirs and one.base[0] == one.ours[0] == one.theirs[0] == FOLDER:
            inside[name] = join(read, read(one.base[1]), read(one.ours[1]), read(one.theirs[1]))
            undecided.extend(inside[name].open)
        else:
            undecided.append(one)
    return Joined(entries, inside, tuple(undecided))


def store(write: Write, joined: Joined) -> str:
    """The id of the tree. :param joined: with nothing open."""
    return write(_whole(write, joined))


def _whole(write: Write, joined: Joined) -> dict[bytes, Entry]:
    """All entries; a folder in which nothing is left is left out."""
    entries = dict(joined.entries)
    for name, one in joined.inside.items():
        inner = _whole(write, one)
        entries.pop(name)
        if inner:
            entries[name] = (FOLDER, write(inner))
    return entries
