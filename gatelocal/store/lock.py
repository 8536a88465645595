"""One gate for one database: whoever comes second is refused; the lock goes with its holder, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import URL

from gatelocal.errors import InfrastructureError, InputError

_KEY = 0x67617465  # of the lock in a PostgreSQL database; everybody else there has other keys
_ENDING = 3.0  # seconds that a server has to see that whoever held the lock is dead
_HINT = "stop it first, or name another database"


def hold(url: URL) -> int | None:
    """Lock a file's database until :func:`let_go`, or until this process is gone; None where there is no file.

    :raises InputError: another process has it. :raises InfrastructureError: the lock's file cannot be made.
    """
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    path = Path(f"{url.database}.lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InfrastructureError(f"cannot make {path}", details=error.strerror or str(error)) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise InputError(
            f"another gate works on {url.database}" + (f" (process {holder})" if holder.isdigit() else ""), hint=_HINT
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def hold_by(connection: Connection, where: str) -> None:
    """Lock a server's database for as long as this very connection lives: a commit over it is its holder's.

    :param where: the database, for errors. :raises InputError: another gate has it.
    """
    if connection.dialect.name != "postgresql":
        return
    deadline = time.monotonic() + _ENDING
    while True:
        with connection.begin():
            if connection.execute(select(func.pg_try_advisory_lock(_KEY))).scalar_one():
                return
        if time.monotonic() > deadline:
            raise InputError(f"another gate works on {where}", hint=_HINT)
        time.sleep(0.05)


def let_go(handle: int | None) -> None:
    """Let others have the database."""
    if handle is not None:
        os.close(handle)
