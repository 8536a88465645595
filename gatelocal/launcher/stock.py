"""What layers of images are on this machine, what they take, and which go first; what a node has started from stays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.launcher import layers

BUDGET = 20 << 30
"""Bytes that all layers together may take where nobody says otherwise."""
_PARTS = (layers.WHOLE, layers.DELTA, layers.ARCHIVE, layers.KERNEL, layers.DISK)


@dataclass(frozen=True, slots=True)
class Kept:
    """One layer that is there.

    :ivar parts: which of its parts are built. :ivar size: bytes on the disk.
    :ivar used: when a node has started from it, else when it was made; seconds since the epoch.
    :ivar nodes: the names of those that have started from it and are still there.
    :ivar below: the folder's name of the layer that it lies on; empty: none.
    """

    folder: Path
    parts: tuple[str, ...]
    size: int
    used: float
    nodes: tuple[str, ...]
    below: str

    @property
    def name(self) -> str:
        """The folder's name: name and key of the layer, in one."""
        return self.folder.name


def kept(cache: Path) -> tuple[Kept, ...]:
    """The layers that are there, by name; also those that no recipe makes any more."""
    found = []
    for lock in sorted(cache.glob("*/lock")):
        with contextlib.suppress(FileNotFoundError):  # one may be removed while one looks
            found.append(_kept(lock.parent))
    return tuple(found)


def prune(
    cache: Path, *, budget: int | None = None, before: float | None = None, dry: bool = False
) -> tuple[Kept, ...]:
    """Remove layers, those that were used longest ago first; gives what was removed.

    Never goes what a node has started from, what another layer that stays lies on, and what is being built.

    :param budget: bytes that what stays may take; None: any. :param before: what was not used since then goes; None:
        nothing for its age. :param dry: only say what would go.
    """
    left = sorted(kept(cache), key=lambda one: (one.used, one.name))
    gone: list[Kept] = []

    def wanted(one: Kept) -> bool:
        too_much = budget is not None and sum(each.size for each in left) > budget
        return too_much or (before is not None and one.used < before)

    while found := _first(left, wanted, dry):
        left.remove(found)
        gone.append(found)
    return tuple(gone)


def delete(cache: Path, system: str | None) -> tuple[tuple[str, ...], tuple[Kept, ...]]:
    """Remove all layers of a system (None: of every one); gives the names of those, and what nodes have started from.

    :param system: how the layers' names end: a release's code name, or the name of an image that is given as a file.
    """
    chosen = [one for one in kept(cache) if system is None or one.name.rpartition("-")[0].endswith(f"-{system}")]
    busy = {one.name for one in chosen if one.nodes}
    stays = tuple(one for one in chosen if one.nodes or any(each.below == one.name for each in chosen if each.nodes))
    for one in chosen:
        if one not in stays:
            layers.remove(one.folder)
    return tuple(one.name for one in chosen if one not in stays), tuple(one for one in stays if one.name in busy)


def _first(left: Sequence[Kept], wanted: Callable[[Kept], bool], dry: bool) -> Kept | None:
    """The first of them that is to go and may, when it has gone."""
    needed = {one.below for one in left}
    for one in left:
        if wanted(one) and one.name not in needed and not one.nodes and (_may_go(one.folder) if dry else _gone(one)):
            return one
    return None


def _may_go(folder: Path) -> bool:
    try:
        with layers.locked(folder, wait=False):
            return not layers.users(folder)
    except BlockingIOError:
        return False


def _gone(one: Kept) -> bool:
    """Whether it could be removed: nobody is building it, and no node has started from it in the meantime."""
    try:
        with layers.locked(one.folder, wait=False):
            if layers.users(one.folder):
                return False
            layers.remove(one.folder)
            return True
    except BlockingIOError:
        return False


def _kept(folder: Path) -> Kept:
    below = folder / layers.BELOW
    return Kept(
        folder,
        tuple(sorted(each.name for each in folder.iterdir() if each.name.partition("-")[0] in _PARTS)),
        _size(folder),
        layers.last_use(folder),
        layers.users(folder),
        below.readlink().parent.name if below.is_symlink() else "",
    )


def _size(folder: Path) -> int:
    """What a tree takes of the disk, in bytes; a file with several names counts once."""
    seen: set[int] = set()
    total = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                found = Path(place, name).lstat()
            except OSError:
                continue
            if found.st_nlink == 1 or found.st_ino not in seen:
                seen.add(found.st_ino)
                total += found.st_blocks * 512
    return total
