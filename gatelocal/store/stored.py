"""The logs in a database as files for a bug report, one for each program that wrote there; no value is understood."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from gatelocal.store import schema
from gatelocal.store.log import raw_lines


def stored(connection: Connection) -> Iterator[Iterator[str]]:
    """The lines of each log, the oldest first, in the format of the program that wrote it."""
    snapshot, event = schema.snapshots.c, schema.events.c
    programs = connection.execute(select(schema.programs).order_by(schema.programs.c.serial)).all()
    ends = [*(program.serial for program in programs[1:]), None]
    for program, end in zip(programs, ends, strict=True):
        starts = select(schema.snapshots).where(snapshot.serial >= program.serial).order_by(snapshot.serial)
        first = connection.execute(starts).first()
        if first is None or (end is not None and first.serial >= end):
            continue
        events = select(event.body).where(event.serial > first.serial).order_by(event.serial)
        if end is not None:
            events = events.where(event.serial <= end)
        layouts = ((row.digest, row.body) for row in connection.execute(select(schema.layouts)))
        yield raw_lines(program.format, layouts, first.body, connection.execute(events).scalars())
