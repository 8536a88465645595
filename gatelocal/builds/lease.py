"""Locks that last as long as their process: of folders, which are removed when nobody locks them, and of single files.

The kernel lets go of a lock when its process ends, however that ends; no process id is remembered or guessed at.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gatelocal.lock import held
from gatelocal.ports import Say

_LEASE = ".lease"
_LOOKS = 25
_PATIENCE = 60.0  # seconds: others hold the lock of all folders only to make one, or to look who is alive


@contextlib.contextmanager
def folder(root: Path, name: str, say: Say) -> Iterator[Path]:
    """A fresh folder below `root` for the block, readable by its owner alone; what dead runs have left goes first.

    :raises gatelocal.errors.InfrastructureError: the lock of `root` is not to be had. :raises OSError: no disk.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = root / name
    with held(root.with_suffix(".lock"), "the folders of runs", _PATIENCE, say):
        dead = [(each, lease) for each in sorted(root.iterdir()) if (lease := _lease_of_dead(each)) is not None]
        path.mkdir(mode=0o700)
        own = _opened(path)
        _locked(own)
    for each, lease in dead:
        _remove(each)
        os.close(lease)
    try:
        yield path
    finally:
        _remove(path)
        os.close(own)


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Keep a file locked for the block; it is made when it is not there. :raises BlockingIOError: another has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        for _ in range(_LOOKS):  # who asks whether it is held has it for a moment
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.02)
        else:
            raise BlockingIOError(f"{path} is locked by another process")
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody keeps that file locked; a file that is not there is nobody's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _opened(path: Path) -> int:
    return os.open(path / _LEASE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _locked(handle: int) -> bool:
    """Whether the lock is ours now: nobody has it, and the file system knows of locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lease_of_dead(path: Path) -> int | None:
    """The lock of a folder whose run is gone, now ours; None for a living run's folder and for what is no folder."""
    try:
        handle = _opened(path)
    except OSError:
        return None
    if _locked(handle):
        return handle
    os.close(handle)
    return None


def _remove(path: Path) -> None:
    """Remove a folder, also when a signal comes between."""
    try:
        shutil.rmtree(path, ignore_errors=True)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
