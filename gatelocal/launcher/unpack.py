"""Unpacks what a node sends (a tar stream on standard input, into the working folder) without trusting it.

Run as a program. Only plain files, folders and links that stay below their own folder are taken: a node may be under
the control of the change that is tested, and must not write elsewhere or make devices on this machine.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path
from typing import BinaryIO


def unpack(stream: BinaryIO, folder: Path) -> None:
    """Unpack the acceptable members of a tar stream; the others are passed over."""
    root = folder.resolve()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if _acceptable(member, root):
                _extract(archive, member, root)


def _acceptable(member: tarfile.TarInfo, root: Path) -> bool:
    parts = Path(member.name).parts
    if member.name.startswith("/") or ".." in parts:
        return False
    if member.issym() and (member.linkname.startswith("/") or ".." in Path(member.linkname).parts):
        return False
    if not (member.isfile() or member.isdir() or member.issym()):
        return False
    return (root / member.name).parent.resolve().is_relative_to(root)


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


if __name__ == "__main__":
    unpack(sys.stdin.buffer, Path.cwd())
