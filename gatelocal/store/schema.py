"""The tables of the gate's database; no statement is made here and no connection is opened."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

SCHEMA: Final = 1
"""The version of the tables."""

_ALL: Final = MetaData()

meta: Final = Table("meta", _ALL, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
"""The versions of tables and values."""

layouts: Final = Table(
    "layouts", _ALL, Column("digest", String(64), primary_key=True), Column("body", Text, nullable=False)
)
"""Every layout that a value names, once."""

events: Final = Table(
    "events",
    _ALL,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("counter", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""The log. ``counter`` is that of the state after the event: it tells whether a replay goes the way it once went."""

outbox: Final = Table(
    "outbox",
    _ALL,
    Column("action", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""Actions that may not have been carried out, or whose answer has not come."""

snapshots: Final = Table(
    "snapshots",
    _ALL,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""States after that many events: a cache over the log, but for the first one, which is before all events."""


def metadata() -> MetaData:
    """All tables."""
    return _ALL
