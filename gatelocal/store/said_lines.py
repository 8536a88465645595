"""What failed builds have said that no passing one has, to be searched by fingerprints with SQLite's index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from gatelocal.results.fingerprints import sql
from gatelocal.results.fingerprints.event import Event
from gatelocal.results.fingerprints.tree import Node
from gatelocal.store.sqlite import Database

KEPT: Final = 5000
"""Builds whose lines are kept: the latest."""
WORDS_KEPT: Final = 3_000_000
"""Words that may be listed before those of forgotten builds go."""


class SaidLines:
    """All of it; its methods raise InfrastructureError. :param url: of an SQLite database of its own."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, "what failed builds have said")
        with self._database.writing() as connection:
            for statement in sql.TABLES:
                connection.exec_driver_sql(statement)
            if _one(connection, _UNLISTED):  # by a version that did not list words
                _renew(connection)

    def add(self, build: str, events: Sequence[Event]) -> None:
        """Keep what a build has said, once; those of builds long ago go."""
        with self._database.writing() as connection:
            if connection.exec_driver_sql("SELECT 1 FROM events WHERE build = ? LIMIT 1", (build,)).first():
                return
            rows = [sql.rows(build, one) for one in events]
            if not rows:
                return
            # The first one takes the lock, so that the numbers after its own are free until all of them are there.
            first = connection.exec_driver_sql(sql.ADD_EVENT, (None, *rows[0][0])).lastrowid
            if more := [(first + at, *kept) for at, (kept, _) in enumerate(rows) if at]:
                connection.exec_driver_sql(sql.ADD_EVENT, more)
            connection.exec_driver_sql(sql.ADD_WORDS, [(first + at, *words) for at, (_, words) in enumerate(rows)])
            listed = {word for _, words in rows for text in words for word in text.split()}
            connection.exec_driver_sql(sql.ADD_WORD, [(word,) for word in sorted(listed)])

    def search(self, asks: Node, limit: int = 100) -> Sequence[tuple[str, str]]:
        """Builds of which a query is true, the latest first, each with the first event that it is true of."""
        found: dict[str, str] = {}
        with self._database.reading() as connection:

            def words(of: tuple[str, str, str]) -> Sequence[str]:
                return connection.exec_driver_sql(sql.FIND_WORDS, of).scalars().all()

            query, values = sql.search(sql.with_words(asks, words))
            for build, message in connection.exec_driver_sql(query, tuple(values)):
                if build not in found and len(found) == limit:
                    break
                found[build] = message  # those of a build stand together, its first one comes last
        return list(found.items())

    def prune(self) -> None:
        """Forget all but the latest builds."""
        with self._database.writing() as connection:
            first = _one(connection, _OLDEST_KEPT, KEPT, KEPT)
            if first is None or not _one(connection, "SELECT 1 FROM events WHERE id < ? LIMIT 1", first):
                return
            connection.exec_driver_sql("DELETE FROM words WHERE rowid < ?", (first,))
            connection.exec_driver_sql("DELETE FROM events WHERE id < ?", (first,))
            if _one(connection, "SELECT count(*) FROM known_words") > WORDS_KEPT:
                _renew(connection)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


_UNLISTED = "SELECT 1 FROM events WHERE NOT EXISTS (SELECT 1 FROM known_words) LIMIT 1"
_BEFORE = "SELECT min(id) FROM events WHERE build = (SELECT build FROM events WHERE {} ORDER BY id DESC LIMIT 1)"
_OLDEST_KEPT = f"""\
WITH RECURSIVE latest(first, number) AS (
  SELECT ({_BEFORE.format("1")}), 1
  UNION ALL
  SELECT ({_BEFORE.format("id < latest.first")}), number + 1 FROM latest WHERE number < ? AND first IS NOT NULL)
SELECT first FROM latest WHERE number = ?"""  # noqa: S608
"""The first event of the oldest build that is kept: from one build to the one before it, by the index alone."""


def _one(connection: Connection, statement: str, *values: object) -> Any:
    """The first value; None where there is none."""
    return connection.exec_driver_sql(statement, values).scalar()


def _renew(connection: Connection) -> None:
    for statement in sql.RENEW_WORDS:
        connection.exec_driver_sql(statement)
