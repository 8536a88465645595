"""What failed builds have said that no passing one has, to be searched by fingerprints with SQLite's index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import create_engine
from sqlalchemy import event as hooks
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError
from gatelocal.results.fingerprints import sql
from gatelocal.results.fingerprints.event import Event
from gatelocal.results.fingerprints.tree import Node

KEPT: Final = 5000
"""Builds whose lines are kept: the latest."""


class SaidLines:
    """All of it; its methods raise InfrastructureError. :param url: of an SQLite database of its own."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        hooks.listen(self._engine, "connect", _begun)
        with _told(), self._engine.begin() as connection:
            for statement in sql.TABLES:
                connection.exec_driver_sql(statement)

    def add(self, build: str, events: Sequence[Event]) -> None:
        """Keep what a build has said, once; those of builds long ago go."""
        with _told(), self._engine.begin() as connection:
            if connection.exec_driver_sql("SELECT 1 FROM events WHERE build = ? LIMIT 1", (build,)).first():
                return
            for one in events:
                kept, indexed = sql.rows(build, one)
                number = connection.exec_driver_sql(sql.ADD_EVENT, tuple(kept)).lastrowid
                connection.exec_driver_sql(sql.ADD_WORDS, (number, *indexed))

    def search(self, asks: Node, limit: int = 100) -> Sequence[tuple[str, str]]:
        """Builds of which a query is true, the latest first, each with the first event that it is true of."""
        where, values = sql.condition(asks)
        query = f"SELECT build, min(id), message FROM events WHERE {where} GROUP BY build ORDER BY id DESC LIMIT ?"  # noqa: S608
        with _told(), self._engine.connect() as connection:
            rows = connection.exec_driver_sql(query, (*values, limit)).fetchall()
        return [(build, message) for build, _, message in rows]

    def prune(self) -> None:
        """Forget all but the latest builds."""
        old = "SELECT build FROM events GROUP BY build ORDER BY max(id) DESC LIMIT -1 OFFSET ?"
        with _told(), self._engine.begin() as connection:
            gone = f"SELECT id FROM events WHERE build IN ({old})"  # noqa: S608
            connection.exec_driver_sql(f"DELETE FROM words WHERE rowid IN ({gone})", (KEPT,))  # noqa: S608
            connection.exec_driver_sql(f"DELETE FROM events WHERE build IN ({old})", (KEPT,))  # noqa: S608

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _begun(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        raise InfrastructureError("what failed builds have said cannot be used", details=reason) from error
