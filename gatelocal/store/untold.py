"""What is still to be told elsewhere, kept until it is: a process may end in between; it is not read here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gatelocal.store.sqlite import Database


class Row(NamedTuple):
    """Something to tell. :ivar key: the same thing has the same. :ivar at: since when, in seconds since the epoch."""

    key: str
    at: float
    body: str


class Untold:
    """All of it; its methods raise InfrastructureError. :param what: is kept, as the subject of a sentence."""

    def __init__(self, url: str, what: str) -> None:
        self._database = Database(url, what)
        with self._database.writing() as connection:
            statement = "CREATE TABLE IF NOT EXISTS untold (key TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL)"
            connection.exec_driver_sql(statement)

    def add(self, row: Row) -> bool:
        """Keep it; False when it is kept already."""
        with self._database.writing() as connection:
            return connection.exec_driver_sql("INSERT OR IGNORE INTO untold VALUES (?, ?, ?)", tuple(row)).rowcount > 0

    def all(self) -> Sequence[Row]:
        """What is kept, the oldest first."""
        with self._database.reading() as connection:
            found = connection.exec_driver_sql("SELECT key, at, body FROM untold ORDER BY at, rowid").fetchall()
        return [Row(*one) for one in found]

    def remove(self, key: str) -> None:
        """It is told."""
        with self._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM untold WHERE key = ?", (key,))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
