"""What failed builds have said that no passing one has, to be searched by fingerprints with SQLite's index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gatelocal.results.fingerprints import sql
from gatelocal.results.fingerprints.event import Event
from gatelocal.results.fingerprints.tree import Node
from gatelocal.store.sqlite import Database

KEPT: Final = 5000
"""Builds whose lines are kept: the latest."""


class SaidLines:
    """All of it; its methods raise InfrastructureError. :param url: of an SQLite database of its own."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, "what failed builds have said")
        with self._database.writing() as connection:
            for statement in sql.TABLES:
                connection.exec_driver_sql(statement)

    def add(self, build: str, events: Sequence[Event]) -> None:
        """Keep what a build has said, once; those of builds long ago go."""
        with self._database.writing() as connection:
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
        with self._database.reading() as connection:
            rows = connection.exec_driver_sql(query, (*values, limit)).fetchall()
        return [(build, message) for build, _, message in rows]

    def prune(self) -> None:
        """Forget all but the latest builds."""
        old = "SELECT build FROM events GROUP BY build ORDER BY max(id) DESC LIMIT -1 OFFSET ?"
        with self._database.writing() as connection:
            gone = f"SELECT id FROM events WHERE build IN ({old})"  # noqa: S608
            connection.exec_driver_sql(f"DELETE FROM words WHERE rowid IN ({gone})", (KEPT,))  # noqa: S608
            connection.exec_driver_sql(f"DELETE FROM events WHERE build IN ({old})", (KEPT,))  # noqa: S608

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
