"""Packs the working folder as a tar stream on standard output, as root's, for a node that unpacks it.

Run as a program. GNU tar takes a new hard link to a file for a change of the file, and fails; source trees share their
objects with a cache whose links other runs make and remove. Here a file has changed when its size or its time of change
says so, and nothing else.
"""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO


def pack(folder: Path, stream: BinaryIO) -> None:
    """Write all plain files, folders and links of the folder; links are never followed.

    :raises OSError: a file cannot be read, or it changed meanwhile.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, bufsize=1 << 18) as archive:
        for place, folders, files in os.walk(folder, onerror=_raise):
            folders.sort()
            for name in sorted([*folders, *files]):
                _add(archive, Path(place, name), folder)


def _add(archive: tarfile.TarFile, path: Path, folder: Path) -> None:
    member = _plain(archive.gettarinfo(str(path), str(path.relative_to(folder))))
    if member is None:
        return
    if not member.isreg():
        archive.addfile(member)
        return
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        member.size = before.st_size
        archive.addfile(member, file)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise OSError(f"{path} changed while it was copied")


def _plain(member: tarfile.TarInfo | None) -> tarfile.TarInfo | None:
    """The member as it is to be on a node; None: neither file, folder nor link."""
    if member is None or not (member.isreg() or member.islnk() or member.isdir() or member.issym()):
        return None
    if member.islnk():
        member.type, member.linkname = tarfile.REGTYPE, ""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _raise(error: OSError) -> None:
    raise error


if __name__ == "__main__":
    try:
        pack(Path.cwd(), sys.stdout.buffer)
    except OSError as refused:
        sys.exit(f"cannot be packed: {refused}")
