"""Writes what a container has changed on its disk as a tar archive; needs nothing but Python's standard library.

Run as a program by root, in the container's mounts, which may change it meanwhile: no link is followed. Its words are
the archive's path, and a JSON file with ``facts`` for the archive's first member, the ``upper`` folder, the ``lower``
ones, names to ``skip``, and the ``first`` of the container's users.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACTS, TREE = "node.json", "tree"
_OPAQUE, _REDIRECT = "trusted.overlay.opaque", "trusted.overlay.redirect"
_RANGE = 0x10000


class Difference:
    """See the module. :ivar gone: names below the root that the container has removed, or replaced by another kind."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._upper: str = settings["upper"]
        self._lower: list[str] = settings["lower"]
        self._skip = frozenset(settings["skip"])
        self._first: int = settings["first"]
        self.gone = sorted(self._gone())

    def _walk(self) -> Iterator[tuple[str, os.stat_result, int, str]]:
        """Name below the root, its state, and how it is opened: the folder's descriptor, its name in there."""
        for place, folders, files, handle in os.fwalk(self._upper, follow_symlinks=False, onerror=_raise):
            below = os.path.relpath(place, self._upper)
            for name in sorted([*folders, *files]):
                path = os.path.normpath(f"{below}/{name}")
                if path in self._skip:
                    if name in folders:
                        folders.remove(name)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    yield path, os.stat(name, dir_fd=handle, follow_symlinks=False), handle, name

    def _gone(self) -> Iterator[str]:
        for path, found, handle, name in self._walk():
            if stat.S_ISDIR(found.st_mode):
                opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
                try:
                    if _attribute(opened, _REDIRECT):
                        raise OSError(f"/{path} was renamed in a way that only this disk knows")
                    if _attribute(opened, _OPAQUE) == b"y":
                        yield path
                finally:
                    os.close(opened)
            elif _is_whiteout(found) or any(_is_folder(f"{lower}/{path}") for lower in self._lower):
                yield path

    def write(self, archive: tarfile.TarFile) -> None:
        """Add all that is there."""
        for path, found, handle, name in self._walk():
            member = tarfile.TarInfo(f"{TREE}/{path}")
            member.mode, member.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
            member.uid, member.gid = self._inside(found.st_uid), self._inside(found.st_gid)
            if stat.S_ISDIR(found.st_mode):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            elif stat.S_ISLNK(found.st_mode):
                member.type, member.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=handle)
                archive.addfile(member)
            elif stat.S_ISREG(found.st_mode):
                with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=handle), "rb") as opened:
                    member.size = os.fstat(opened.fileno()).st_size
                    archive.addfile(member, opened)

    def _inside(self, user: int) -> int:
        """A user of the container's, as it knows him."""
        return user - self._first if 0 <= user - self._first < _RANGE else 65534


def _attribute(handle: int, name: str) -> bytes:
    try:
        return os.getxattr(handle, name)
    except OSError:
        return b""


def _is_whiteout(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def _is_folder(path: str) -> bool:
    return Path(path).is_dir() and not Path(path).is_symlink()


def _raise(error: OSError) -> None:
    raise error


def main(target: str, settings: dict[str, Any]) -> None:
    """Write the archive; it must not be there. :raises OSError: it cannot be written, or read what is to be in it."""
    found = Difference(settings)
    text = json.dumps({**settings["facts"], "gone": found.gone}).encode("ascii")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with (
        os.fdopen(handle, "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, filename="", mtime=0) as out,
        tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive,
    ):
        member = tarfile.TarInfo(FACTS)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
        found.write(archive)


if __name__ == "__main__":
    try:
        main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    except OSError as refused:
        sys.exit(str(refused))
