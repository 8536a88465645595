"""The tables of the gate's database; no statement is made here and no connection is opened."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

SCHEMA: Final = 2
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
"""The log. ``counter`` is that of the state after the event."""

deltas: Final = Table(
    "deltas",
    _ALL,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""What each event since the newest snapshot has changed of the state. Schema 1 had none."""

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
"""States after that many events. The oldest one is that before the log's first event."""

programs: Final = Table(
    "programs",
    _ALL,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("rules", String(64), nullable=False),
)
"""Who wrote what comes after that many events: the format of the values, the rules that decided."""


def metadata() -> MetaData:
    """All tables."""
    return _ALL
