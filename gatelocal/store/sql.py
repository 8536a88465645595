"""The gate's memory in a database: an event, what it changed, the actions that follow and the end of what it answers.

They are written in one transaction. It decides nothing, and it never writes the whole state for an event. Which
database is in its URL; no statement is of one kind of database only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store import schema
from gatelocal.store.codec import Layouts, decode, encode, from_text, to_text
from gatelocal.store.connect import address_of, connected, shown
from gatelocal.store.delta import delta
from gatelocal.store.load import Loaded, load
from gatelocal.store.lock import hold, hold_by, let_go
from gatelocal.store.migrate import ensure
from gatelocal.store.prune import prune, thin
from gatelocal.store.stored import stored
from gatelocal.store.write import write_layouts, write_program, write_snapshot

SNAPSHOT_EVERY = 2000
"""Events between two snapshots; more when the state is greater than that, so that an event's share stays the same."""
KEEP = 100_000
"""Events before the newest snapshot that are kept, if nothing else is asked for."""


class SqlStore:
    """A store in a database; a second one on the same database is refused while this one is open.

    What :meth:`done` is told is written with the next event: an action may be carried out again after a crash. What it
    promises to a program with other rules, and of old events, is in ``doc/source/decisions/``.

    :ivar state: the latest state. :ivar anew: what was there could not be read on (see ``store/anew.py``): the server
        has to be read for what was queued.
    """

    def __init__(self, url: str, first: Callable[[], State], *, durable: bool = True, keep: int | None = KEEP) -> None:
        """Open a database, or make it.

        :param first: makes the state that a new database begins with; one that is there keeps its own.
        :param durable: what is committed survives the loss of power (SQLite: WAL with ``synchronous`` FULL, one sync a
            commit; PostgreSQL: as its server is set). Without, it survives the end of the process only (NORMAL): after
            a loss of power the gate would give ids anew that the world has seen, so that only make-believe worlds
            should go without.
        :param keep: of the events before the newest snapshot at least that many, and at most a quarter and a snapshot's
            distance more, stay in the log; None: all.
        :raises gatelocal.errors.InputError: another process has it open.
        :raises gatelocal.store.codec.FormatError: a newer version of this program wrote it, or it is damaged.
        :raises gatelocal.errors.InfrastructureError: the database cannot be used.
        """
        address = address_of(url)
        self._lock = hold(address)
        self._keep = keep
        self._done: list[int] = []
        try:
            self._engine = connected(address, durable=durable)
            with _said():
                self._connection = self._engine.connect()
                hold_by(self._connection, shown(address))
            with _said(), self._connection.begin():
                ensure(self._connection)
                found = self._begin(self._connection, first)
                self._layouts = found.layouts
                self._first = prune(self._connection, found.layouts, keep)
        except BaseException:
            self._let_go()
            raise
        self._layouts.new.clear()
        self.anew = found.anew
        self.state = found.state
        self._serial = found.serial
        self._snapshot = found.serial if found.other else found.snapshot
        self._due = _next_snapshot(self._snapshot, self.state)

    # ---- the port

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        """Keep an event with all that it led to, or nothing of it. :raises InfrastructureError: nothing was kept."""
        layouts = self._layouts
        serial = self._serial + 1
        gone = [*self._done, *ended]
        rows = [{"action": one.id, "body": to_text(encode(one, layouts))} for one in actions]
        row = {"serial": serial, "counter": state.counter, "body": to_text(encode(event, layouts))}
        change = {"serial": serial, "body": to_text(delta(self.state, state, layouts))}
        with self._transaction():
            write_layouts(self._connection, layouts)
            self._connection.execute(_INSERT_EVENT, row)
            self._connection.execute(_INSERT_DELTA, change)
            if rows:
                self._connection.execute(_INSERT_ACTION, rows)
            if gone:
                self._connection.execute(_DELETE_ACTION, [{"gone": one} for one in gone])
        self._serial = serial
        self._done.clear()
        self._layouts.new.clear()
        self.state = state
        if self._serial >= self._due:
            self._take_snapshot()

    def done(self, action: int) -> None:
        """An action without an answer was carried out; written with the next event."""
        self._done.append(action)

    def outbox(self) -> tuple[Action, ...]:
        """The actions that may not have been carried out, or whose answer has not come, in their order."""
        finished = set(self._done)
        with self._transaction():
            found = self._connection.execute(select(schema.outbox).order_by(schema.outbox.c.action)).all()
        return tuple(decode(Action, from_text(one.body), self._layouts) for one in found if one.action not in finished)

    # ---- the rest of its life

    @property
    def first(self) -> State:
        """The state before the first event of :attr:`log`."""
        with _said(), self._engine.connect() as connection:
            query = select(schema.snapshots.c.body).where(schema.snapshots.c.serial == self._first)
            body = connection.execute(query).scalar_one()
        return cast(State, decode(State, from_text(body), self._layouts))

    @property
    def log(self) -> Iterator[Event]:
        """All events since :attr:`first`, the oldest first: those that these rules have decided, and that are kept."""
        events = schema.events.c
        query = select(events.body).where(events.serial > self._first).order_by(events.serial)
        with _said(), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=500).execute(query):
                yield decode(Event, from_text(row.body), self._layouts)

    def logs(self) -> Iterator[Iterator[str]]:
        """What is kept of every program that wrote here, the oldest first, as files for :mod:`gatelocal.store.log`.

        The last one is :attr:`log`. The others are for the programs that wrote them: their rules are not these.
        """
        with _said(), self._engine.connect() as connection:
            yield from stored(connection)

    def close(self) -> None:
        """Write what is still to be written, with a snapshot: another version may go on from there."""
        with self._transaction():
            if self._done:
                self._connection.execute(_DELETE_ACTION, [{"gone": one} for one in self._done])
        self._done.clear()
        if self._serial > self._snapshot:
            self._take_snapshot()
        self.drop()

    def drop(self) -> None:
        """Let go of the database as it is, as a crash would."""
        self._let_go()

    # ---- inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Over the connection that holds the lock; another one would have to take it first, and may come too late."""
        if self._connection.invalidated:
            raise InfrastructureError("the connection to the gate's database was lost", hint="start again")
        with _said(), self._connection.begin():
            yield

    def _let_go(self) -> None:
        if (connection := getattr(self, "_connection", None)) is not None:
            with suppress(SQLAlchemyError):
                connection.close()
        if (engine := getattr(self, "_engine", None)) is not None:
            engine.dispose()
        let_go(self._lock)
        self._lock = None

    def _begin(self, connection: Connection, first: Callable[[], State]) -> Loaded:
        """What is there, or a first state; from here on it is this program's."""
        found = load(connection, first) or Loaded(first(), 0, 0, 0, Layouts(), other=True)
        if found.other:
            if found.outbox is not None:
                connection.execute(delete(schema.outbox))
            for action in found.outbox or ():
                connection.execute(
                    _INSERT_ACTION, {"action": action.id, "body": to_text(encode(action, found.layouts))}
                )
            body = to_text(encode(found.state, found.layouts))
            write_layouts(connection, found.layouts)
            thin(connection, self._keep)
            write_snapshot(connection, found.serial, body)
            write_program(connection, found.serial)
        return found

    def _take_snapshot(self) -> None:
        body = to_text(encode(self.state, self._layouts))
        with self._transaction():
            write_layouts(self._connection, self._layouts)
            thin(self._connection, self._keep)
            write_snapshot(self._connection, self._serial, body)
            self._first = max(self._first, prune(self._connection, self._layouts, self._keep))
        self._snapshot = self._serial
        self._due = _next_snapshot(self._serial, self.state)


def _next_snapshot(serial: int, state: State) -> int:
    return serial + max(SNAPSHOT_EVERY, len(state.items), len(state.changes))


_INSERT_EVENT = insert(schema.events)
_INSERT_DELTA = insert(schema.deltas)
_INSERT_ACTION = insert(schema.outbox)
_DELETE_ACTION = delete(schema.outbox).where(schema.outbox.c.action == bindparam("gone"))


def open_file(path: Path, first: Callable[[], State], *, durable: bool = True, keep: int | None = KEEP) -> SqlStore:
    """The store in an SQLite file."""
    return SqlStore(f"sqlite:///{path}", first, durable=durable, keep=keep)


@contextmanager
def _said() -> Iterator[None]:
    """Tell what the database could not do."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        hint = "free some disk space and start again" if "full" in reason else ""
        raise InfrastructureError("the gate's database cannot be used", details=reason, hint=hint) from error
