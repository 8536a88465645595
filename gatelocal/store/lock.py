"""One gate for one database: whoever comes second is refused; the lock goes with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sqlalchemy.engine import URL

from gatelocal.errors import InfrastructureError, InputError


def hold(url: URL) -> int | None:
    """Lock a database until :func:`let_go`, or until this process is gone; None where nobody else can open it.

    :raises InputError: another process has it, or it is of a kind that cannot be locked yet.
    :raises InfrastructureError: the lock's file cannot be made.
    """
    if url.get_backend_name() != "sqlite":
        raise InputError(
            f"a gate cannot be kept in {url.get_backend_name()} yet",
            details="Nothing would keep a second gate out of the same database.",
            hint="use an address that begins with sqlite:///",
        )
    if url.database in (None, "", ":memory:"):
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
            f"another gate works on {url.database}" + (f" (process {holder})" if holder.isdigit() else ""),
            hint="stop it first, or name another database",
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def let_go(handle: int | None) -> None:
    """Let others have the database."""
    if handle is not None:
        os.close(handle)
