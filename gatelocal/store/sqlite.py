"""A database of this user's own in an SQLite file that several processes may use; what is in it is said elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy import event as hooks
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError

_DAMAGED = "not a database", "malformed", "disk image", "no such column", "file is encrypted"


class Database:
    """An SQLite file. What it cannot do is told with its path.

    :param what: what is kept in it, as the subject of a sentence.
    """

    def __init__(self, url: str, what: str) -> None:
        self._path = make_url(url).database or ""
        self._what = what
        self._engine = create_engine(url)
        hooks.listen(self._engine, "connect", _begun)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection. :raises InfrastructureError: it cannot be used."""
        with self._telling(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, which is kept whole or not at all. :raises InfrastructureError: it cannot be used."""
        with self._telling(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            hint = ""
            if any(word in reason for word in _DAMAGED):
                hint = f"it is damaged: move {self._path} away, and it begins anew"
            elif "full" in reason:
                hint = "free some disk space"
            brief = f"{self._what} cannot be used: {self._path}"
            raise InfrastructureError(brief, details=reason, hint=hint) from error


def _begun(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
