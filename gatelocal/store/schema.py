"""The tables of the gate's database, which are the same in every kind of database; no connection is opened here.

A table that changes needs a step in ``migrations/versions`` that leads from the tables before to those here.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

SCHEMA: Final = 2
"""The version of what the gate's memory means."""
REVISION: Final = "0002"
"""The newest step of the migrations."""
VERSIONS: Final = "gatelocal_version"
"""The table that says which steps a database has taken."""

LATER: Final = ("ix_builds_preparation", "ix_builds_ended")
"""Indexes that the first step does not make."""

_ALL: Final = MetaData()
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

meta: Final = Table("meta", _ALL, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
"""The versions of tables and values."""

layouts: Final = Table(
    "layouts", _ALL, Column("digest", String(64), primary_key=True), Column("body", Text, nullable=False)
)
"""Every layout that a value names, once."""

events: Final = Table(
    "events",
    _ALL,
    Column("serial", _NUMBER, primary_key=True, autoincrement=False),
    Column("counter", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""The log. ``counter`` is that of the state after the event."""

deltas: Final = Table(
    "deltas",
    _ALL,
    Column("serial", _NUMBER, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""What each event since the newest snapshot has changed of the state. Schema 1 had none."""

outbox: Final = Table(
    "outbox",
    _ALL,
    Column("action", _NUMBER, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""Actions that may not have been carried out, or whose answer has not come."""

snapshots: Final = Table(
    "snapshots",
    _ALL,
    Column("serial", _NUMBER, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""States after that many events. The oldest one is that before the log's first event."""

programs: Final = Table(
    "programs",
    _ALL,
    Column("serial", _NUMBER, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("rules", String(64), nullable=False),
)
"""Who wrote what comes after that many events: the format of the values, the rules that decided."""

builds: Final = Table(
    "builds",
    _ALL,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("build", _NUMBER, nullable=False, index=True),
    Column("item", _NUMBER, nullable=False, index=True),
    Column("preparation", _NUMBER, nullable=False, index=True),
    Column("job", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("change", Text, nullable=False, index=True),
    Column("patchset", Integer, nullable=False),
    Column("voting", Boolean, nullable=False),
    Column("control", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("asked", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float, index=True),
    Column("node", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("commits", Text, nullable=False),
    Column("trees", Text, nullable=False),
    Column("notes", Text, nullable=False),
)
"""The history. See :class:`gatelocal.store.builds.BuildRecord`."""


def metadata() -> MetaData:
    """All tables."""
    return _ALL
