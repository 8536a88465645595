"""The tables of a database are made, or led from those of an older version to these, in the caller's transaction.

What has the tables of this version costs one question; only where they differ is Alembic needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from gatelocal.errors import InputError
from gatelocal.store import schema
from gatelocal.store.codec import FormatError

STEPS: Final = Path(__file__).parent / "migrations"
_FIRST = "0001"
_VERSIONS: Final = Table(schema.VERSIONS, MetaData(), Column("version_num", String(32), primary_key=True))


def ensure(connection: Connection) -> None:
    """Have the tables of this version.

    :raises FormatError: a newer version of this program made them.
    :raises InputError: they are somebody else's, or Alembic is needed and not there.
    """
    names = set(inspect(connection).get_table_names())
    if schema.VERSIONS not in names:
        _begin(connection, names & set(schema.metadata().tables))
    found = connection.execute(select(_VERSIONS.c.version_num)).scalar()
    if found == schema.REVISION:
        return
    if found is None or not found.isdecimal() or found > schema.REVISION:
        raise FormatError(
            "the database was written by a newer version of this program",
            details=f"Its tables are those of step {found}, this version knows {schema.REVISION}.",
            hint="use the version that wrote it, or begin with an empty database",
        )
    _lead(connection)


def _begin(connection: Connection, ours: set[str]) -> None:
    """A database without a word on its version: it is empty, or of the time before there were steps."""
    if ours and connection.dialect.name != "sqlite":
        raise InputError(
            f"the database has tables of somebody else: {', '.join(sorted(ours))}", hint="name an empty database"
        )
    if ours:
        _before(connection)
    else:
        schema.metadata().create_all(connection)
    _VERSIONS.create(connection)
    connection.execute(insert(_VERSIONS), {"version_num": _FIRST if ours else schema.REVISION})


def _before(connection: Connection) -> None:
    """The tables of the first step that are not there; what was made later is left to the steps."""
    first = MetaData()
    for table in schema.metadata().sorted_tables:
        made = table.to_metadata(first)
        made.indexes = {one for one in made.indexes if one.name not in schema.LATER}
    first.create_all(connection)


def _lead(connection: Connection) -> None:
    try:
        from alembic import command
        from alembic.config import Config
    except ImportError as error:
        brief = f"the database is of an older version, and {error.name} is not installed"
        raise InputError(brief, hint="pip install 'gatelocal[serve]'") from None
    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
