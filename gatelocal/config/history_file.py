"""The file of what builds took before; what its lines mean is :mod:`gatelocal.results.history`'s business.

A history that cannot be read or written is no reason for anything to fail.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

LARGEST = 4 * 2**20
"""Bytes; a file that grows beyond loses its older half."""


def read(path: Path) -> str:
    """The file's text; empty when there is none."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - LARGEST))
            return file.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def append(path: Path, lines: Sequence[str]) -> None:
    """Add lines, each without its newline; any number of processes may do so at once."""
    if not lines:
        return
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_size > LARGEST:
                _halve(handle)
            os.write(handle, text)
        finally:
            os.close(handle)


def _halve(handle: int) -> None:
    """Keep the newer half, in whole lines."""
    size = os.fstat(handle).st_size
    kept = os.pread(handle, size, size - min(size, LARGEST) // 2)
    os.ftruncate(handle, 0)
    os.write(handle, kept.partition(b"\n")[2])
