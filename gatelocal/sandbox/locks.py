"""Turns between processes on this machine, kept by the kernel: a lock ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatelocal.ports import Say


@contextmanager
def turn(path: Path, say: Say, waiting: str) -> Iterator[None]:
    """Be the only one in this block among all that name the same file, which stays.

    :param waiting: what a person is told when it is somebody else's turn.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
