"""A lock between processes on a file that stays; it ends with its holder, whatever becomes of that."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say


@contextmanager
def held(path: Path, what: str, limit: float, say: Say) -> Iterator[None]:
    """Hold the lock for the block.

    :param what: for people, what is locked.
    :param limit: seconds to wait for another holder.
    :raises InfrastructureError: it was not to be had in that time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, what, limit, say)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, what: str, limit: float, say: Say) -> None:
    deadline = time.monotonic() + limit
    told = False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise InfrastructureError(
                    f"another process has been using {what} for more than {limit:g} s",
                    hint="wait for it to end, or choose another cache folder with GATELOCAL_CACHE",
                ) from None
        if not told:
            say(f"waiting for another process that uses {what}")
            told = True
        time.sleep(0.05)
