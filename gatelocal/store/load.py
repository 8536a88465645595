"""What a database holds, for a gate to go on from: the newest snapshot and what was recorded since.

Nothing is written. Where each event's change of the state is recorded, no rule is asked; only a database of the first
schema, which has none, is decided on again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.decide import decide
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store import schema
from gatelocal.store.anew import anew
from gatelocal.store.codec import FORMAT, FormatError, Json, Layouts, decode, from_text
from gatelocal.store.convert import Convert, converter
from gatelocal.store.delta import applied
from gatelocal.store.rules import rules


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A gate that was found.

    :ivar serial: of the latest event. :ivar snapshot: of the newest snapshot. :ivar first: of the log's beginning.
    :ivar layouts: the layouts that are kept. :ivar other: another program wrote it: its log ends here.
    :ivar outbox: what the outbox is to hold from now on; None: what it holds. :ivar anew: the state was lost.
    """

    state: State
    serial: int
    snapshot: int
    first: int
    layouts: Layouts
    other: bool
    outbox: tuple[Action, ...] | None = None
    anew: bool = False


def load(connection: Connection, first: Callable[[], State]) -> Loaded | None:
    """What is there; None: nothing yet. :param first: makes the state to go on from if there is none to be read.

    :raises FormatError: a newer version wrote it, or it is damaged.
    """
    about = {row.name: row.value for row in connection.execute(select(schema.meta))}
    if not about:
        return None
    written, tables = int(about["format"]), int(about["schema"])
    if written > FORMAT or tables > schema.SCHEMA:
        raise FormatError(
            "the database was written by a newer version of this program",
            details=f"It has {about}, this version reads {{'schema': {schema.SCHEMA}, 'format': {FORMAT}}}.",
            hint="use the version that wrote it, or begin with an empty database",
        )
    snapshots = connection.execute(select(schema.snapshots).order_by(schema.snapshots.c.serial)).all()
    if not snapshots:
        raise FormatError("the database has no state to begin with")
    newest = snapshots[-1]
    program = connection.execute(select(schema.programs).order_by(schema.programs.c.serial.desc())).first()
    latest = (connection.execute(select(func.max(one.c.serial))).scalar() for one in (schema.events, schema.deltas))
    serial = max(newest.serial, *(one or 0 for one in latest))
    convert = converter(written)
    reading = _layouts(connection, convert)
    state = _recorded(_Found(tables, newest, serial), connection, reading, convert) if convert else None
    layouts = reading if written == FORMAT else _layouts(connection)
    if state is None:
        state, ends = _begun_anew(connection, first(), from_text(newest.body))
        return Loaded(state, serial, newest.serial, serial, layouts, other=True, outbox=ends, anew=True)
    if written == FORMAT and program is not None and program.rules == rules():
        start = min(row.serial for row in snapshots if row.serial >= program.serial)
        return Loaded(state, serial, newest.serial, start, layouts, other=False)
    outbox = None if written == FORMAT or convert is None else _outbox(connection, reading, convert)
    return Loaded(state, serial, newest.serial, serial, layouts, other=True, outbox=outbox)


def _layouts(connection: Connection, convert: Convert | None = None) -> Layouts:
    found = Layouts(convert) if convert else Layouts()
    for row in connection.execute(select(schema.layouts)):
        found.add(row.digest, row.body)
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known before a state is read. :ivar tables: the schema. :ivar newest: the snapshot's row."""

    tables: int
    newest: Row[Any]
    serial: int


def _recorded(found: _Found, connection: Connection, layouts: Layouts, convert: Convert) -> State | None:
    """The state as it was recorded; None where what happened has to be decided on again, and leads elsewhere."""
    newest = found.newest
    state: State = decode(State, convert(from_text(newest.body)), layouts)
    events, deltas = schema.events.c, schema.deltas.c
    since = (
        select(events.serial, events.counter, events.body, deltas.body.label("delta"))
        .outerjoin(schema.deltas, events.serial == deltas.serial)
        .where(events.serial > newest.serial)
        .order_by(events.serial)
    )
    at = newest.serial
    for row in connection.execute(since):
        at += 1
        if found.tables > 1:
            state = applied(state, convert(from_text(row.delta or "null")), layouts)
        else:
            state, _ = decide(state, decode(Event, convert(from_text(row.body)), layouts))
            if state.counter != row.counter:
                return None
        if (row.serial, row.counter) != (at, state.counter):
            raise FormatError(f"the database is damaged: event {row.serial} does not fit to the one before")
    if at != found.serial:
        raise FormatError(f"the database is damaged: there is no event {found.serial}")
    return state


def _outbox(connection: Connection, layouts: Layouts, convert: Convert) -> tuple[Action, ...]:
    rows = connection.execute(select(schema.outbox.c.body).order_by(schema.outbox.c.action))
    return tuple(decode(Action, convert(from_text(row.body)), layouts) for row in rows)


def _begun_anew(connection: Connection, first: State, raw: Json) -> tuple[State, tuple[Action, ...]]:
    counter = connection.execute(select(func.max(schema.events.c.counter))).scalar() or 0
    outbox = [from_text(row.body) for row in connection.execute(select(schema.outbox.c.body))]
    return anew(first, counter, raw, outbox)
