"""What stands in the tables beside events and actions: layouts, snapshots, and who writes; the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from gatelocal.store import schema
from gatelocal.store.codec import FORMAT, Layouts
from gatelocal.store.rules import rules


def write_layouts(connection: Connection, layouts: Layouts) -> None:
    """Keep those that are new; whoever ends the transaction well clears them."""
    if layouts.new:
        rows = [{"digest": name, "body": text} for name, text in layouts.new.items()]
        connection.execute(insert(schema.layouts), rows)


def write_snapshot(connection: Connection, serial: int, body: str) -> None:
    """Keep the state after that many events; what had changed since an older one is not needed any more."""
    connection.execute(delete(schema.deltas))
    connection.execute(delete(schema.snapshots).where(schema.snapshots.c.serial == serial))
    connection.execute(insert(schema.snapshots), {"serial": serial, "body": body})


def write_program(connection: Connection, serial: int) -> None:
    """This program writes what comes after that many events."""
    connection.execute(delete(schema.programs).where(schema.programs.c.serial == serial))
    connection.execute(insert(schema.programs), {"serial": serial, "format": FORMAT, "rules": rules()})
    about = {"schema": str(schema.SCHEMA), "format": str(FORMAT)}
    connection.execute(delete(schema.meta))
    connection.execute(insert(schema.meta), [{"name": name, "value": value} for name, value in about.items()])
