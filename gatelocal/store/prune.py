"""Which snapshots and events a database keeps; the log's beginning moves on with what is deleted."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, func, literal, select

from gatelocal.store import schema
from gatelocal.store.codec import Layouts

_snapshot = schema.snapshots.c.serial
_program = schema.programs.c.serial


def thin(connection: Connection, keep: int | None) -> None:
    """Before a new snapshot is taken: drop the newest one, unless the log may once begin with it."""
    match list(connection.execute(select(_snapshot).order_by(_snapshot.desc()).limit(2)).scalars()):
        case [newest, older] if (keep is None or newest - older < keep // 4) and not _begins(connection, newest):
            connection.execute(delete(schema.snapshots).where(_snapshot == newest))


def _begins(connection: Connection, serial: int) -> bool:
    """Whether the log of a program begins there."""
    return connection.execute(select(_program).where(_program == serial)).first() is not None


def prune(connection: Connection, layouts: Layouts, keep: int | None) -> int:
    """Delete the events that are older than `keep` events before the newest snapshot, as far as a snapshot allows.

    :returns: the snapshot that the log of the newest program begins with.
    """
    newest = connection.execute(select(func.max(_snapshot))).scalar_one()
    limit = newest - keep if keep is not None else -1
    start = connection.execute(select(func.max(_snapshot)).where(_snapshot <= limit)).scalar()
    if start is not None and connection.execute(delete(schema.events).where(schema.events.c.serial <= start)).rowcount:
        connection.execute(delete(schema.snapshots).where(_snapshot < start))
        program = select(func.max(_program)).where(_program <= start).scalar_subquery()
        connection.execute(delete(schema.programs).where(_program < program))
        _forget_layouts(connection, layouts)
    began = select(func.max(_program)).scalar_subquery()
    return int(connection.execute(select(func.min(_snapshot)).where(_snapshot >= began)).scalar_one())


def _forget_layouts(connection: Connection, layouts: Layouts) -> None:
    """Delete those that no value names any more."""
    names = list(connection.execute(select(schema.layouts.c.digest)).scalars())
    for name in names if len(names) > 1 else ():
        if not any(_named(connection, table, name) for table in (schema.snapshots, schema.deltas, schema.events)):
            connection.execute(delete(schema.layouts).where(schema.layouts.c.digest == name))
            layouts.forget(name)


def _named(connection: Connection, table: Table, name: str) -> bool:
    return connection.execute(select(literal(1)).where(table.c.body.contains(name)).limit(1)).first() is not None
