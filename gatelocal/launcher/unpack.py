"""Unpacks what a node sends (a tar stream on standard input, into the working folder) without trusting it.

Run as a program, with the name of what was asked for. Only that file or folder is taken, and of it plain files, folders
and links that stay below their own folder: a node may be under the control of the change that is tested, and must not
write elsewhere, make devices on this machine, fill its disk or its memory. What is passed over is told in one sentence.
"""

from __future__ import annotations

import errno
import resource
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gatelocal.model.text import visible

_MEMORY = 1 << 30  # bytes of address space: a header may claim any length
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken.

    :ivar file: bytes of one file. :ivar total: bytes of all. :ivar members: how many there are, of any kind.
    """

    file: int = 256 * 1024 * 1024
    total: int = 1024 * 1024 * 1024
    members: int = 20_000


LIMITS = Limits()


class TooMuch(Exception):
    """A node sends more than is taken."""


def unpack(stream: BinaryIO, folder: Path, wanted: str, limits: Limits = LIMITS) -> int:
    """Unpack the acceptable members of a tar stream and give the number of those that were passed over.

    Names are written with their control characters made visible.

    :param wanted: the one name at the top that is taken.
    :raises TooMuch: it is more than the limits in all. :raises OSError: no room on this machine.
    """
    root = folder.resolve()
    passed_over = seen = total = 0
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            seen += 1
            if seen > limits.members:
                raise TooMuch(f"more than {limits.members} files and folders")
            member.name = visible(member.name)
            if not _acceptable(member, root, wanted) or member.size > limits.file:
                passed_over += 1
                continue
            total += member.size
            if total > limits.total:
                raise TooMuch(f"more than {limits.total} bytes")
            passed_over += not _extracted(archive, member, root)
    return passed_over


def _acceptable(member: tarfile.TarInfo, root: Path, wanted: str) -> bool:
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts or parts[:1] != (wanted,):
        return False
    if member.issym() and (len(parts) == 1 or not _stays(member.linkname)):
        return False
    if not (member.isfile() or member.isdir() or member.issym()):
        return False
    try:
        return (root / member.name).parent.resolve().is_relative_to(root / wanted if len(parts) > 1 else root)
    except (OSError, RuntimeError):  # links that lead round in a circle
        return False


def _stays(target: str) -> bool:
    """Whether a link leads into its own folder; one that climbs might lead anywhere by way of another link."""
    return target.isprintable() and not target.startswith("/") and ".." not in PurePosixPath(target).parts


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> bool:
    """Write one member; False: this machine's file system cannot have it (its name is too long, say)."""
    try:
        _extract(archive, member, root)
    except OSError as error:
        if error.errno in _FULL:
            raise
        return False
    return True


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    target = root / member.name
    if target.is_symlink() or (target.exists() and not member.isdir()):
        target.unlink()
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
        return
    content = archive.extractfile(member)
    if content is None:
        return
    with target.open("wb") as out:
        while chunk := content.read(1 << 20):
            out.write(chunk)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _main(wanted: str) -> str | None:
    """Why it failed; None when it did not."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        left = unpack(sys.stdin.buffer, Path.cwd(), wanted)
    except TooMuch as error:
        return f"it is {error}"
    except (tarfile.TarError, EOFError, MemoryError, ValueError) as error:
        return f"it is no proper answer ({type(error).__name__})"
    except OSError as error:
        return str(error)
    if left:
        print(f"{left} left out: no plain files, with names that cannot be, or too large")  # noqa: T201 - a program
    return None


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
