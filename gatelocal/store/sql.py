"""The gate's memory in a database: an event, the actions that follow and the end of what it answers in one transaction.

It decides nothing, and it never writes the whole state for an event: the log is the truth, a snapshot is a cache over
it. Which database is in its URL; no statement is of one kind of database only, but for how SQLite is told to sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, func, insert, select
from sqlalchemy import event as hooks
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.decide import decide
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store import schema
from gatelocal.store.codec import FORMAT, FormatError, Layouts, decode, encode, from_text, to_text
from gatelocal.store.lock import hold, let_go

SNAPSHOT_EVERY = 2000
"""Events between two snapshots; more when the state is greater than that, so that an event's share stays the same."""


class SqlStore:
    """A store in a database; a second one on the same database is refused while this one is open.

    What :meth:`done` is told is written with the next event: an action may be carried out again after a crash.

    :ivar state: the latest state. :ivar first: the one before the first event.
    """

    def __init__(self, url: str, first: Callable[[], State], *, durable: bool = True) -> None:
        """Open a database, or make it.

        :param first: makes the state that a new database begins with; one that is there keeps its own.
        :param durable: what is committed survives the loss of power (SQLite: WAL with ``synchronous`` FULL, one sync a
            commit). Without, it survives the end of the process only (NORMAL): after a loss of power the gate would
            give ids anew that the world has seen, so that only make-believe worlds should go without.
        :raises gatelocal.errors.InputError: another process has it open.
        :raises gatelocal.store.codec.FormatError: another version of this program wrote it, or it is damaged.
        :raises gatelocal.errors.InfrastructureError: the database cannot be used.
        """
        address = make_url(url)
        self._lock = hold(address)
        self._layouts = Layouts()
        self._done: list[int] = []
        self.state: State
        try:
            self._engine = _connected(create_engine(address), durable=durable)
            with _said(), self._engine.begin() as connection:
                schema.metadata().create_all(connection)
                self._check(connection, first)
                self._load(connection)
            self._connection = self._engine.connect()
        except BaseException:
            let_go(self._lock)
            raise

    # ---- the port

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        """Keep an event with all that it led to, or nothing of it. :raises InfrastructureError: nothing was kept."""
        layouts = self._layouts
        gone = [*self._done, *ended]
        rows = [{"action": one.id, "body": to_text(encode(one, layouts))} for one in actions]
        row = {"serial": self._serial + 1, "counter": state.counter, "body": to_text(encode(event, layouts))}
        with _said(), self._connection.begin():
            self._keep_layouts(self._connection)
            self._connection.execute(_INSERT_EVENT, row)
            if rows:
                self._connection.execute(_INSERT_ACTION, rows)
            if gone:
                self._connection.execute(_DELETE_ACTION, [{"gone": one} for one in gone])
        self._serial += 1
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
        with _said(), self._connection.begin():
            found = self._connection.execute(select(schema.outbox).order_by(schema.outbox.c.action)).all()
        return tuple(decode(Action, from_text(one.body), self._layouts) for one in found if one.action not in finished)

    # ---- the rest of its life

    @property
    def log(self) -> Iterator[Event]:
        """All events since the beginning, the oldest first."""
        query = select(schema.events.c.body).order_by(schema.events.c.serial)
        with _said(), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=500).execute(query):
                yield decode(Event, from_text(row.body), self._layouts)

    def close(self) -> None:
        """Write what is still to be written, with a snapshot: another version may go on from there."""
        with _said(), self._connection.begin():
            if self._done:
                self._connection.execute(_DELETE_ACTION, [{"gone": one} for one in self._done])
        self._done.clear()
        if self._serial > self._snapshot:
            self._take_snapshot()
        self.drop()

    def drop(self) -> None:
        """Let go of the database as it is, as a crash would."""
        self._connection.close()
        self._engine.dispose()
        let_go(self._lock)
        self._lock = None

    # ---- inside

    def _check(self, connection: Connection, first: Callable[[], State]) -> None:
        """Begin an empty database; refuse one of another version."""
        found = {row.name: row.value for row in connection.execute(select(schema.meta))}
        wanted = {"schema": str(schema.SCHEMA), "format": str(FORMAT)}
        if not found:
            connection.execute(insert(schema.meta), [{"name": name, "value": value} for name, value in wanted.items()])
            body = to_text(encode(first(), self._layouts))
            self._keep_layouts(connection)
            connection.execute(insert(schema.snapshots), {"serial": 0, "body": body})
        elif found != wanted:
            raise FormatError(
                "the database was written by another version of this program",
                details=f"It has {found}, this version reads {wanted}.",
                hint="use the version that wrote it, or begin with an empty database",
            )

    def _load(self, connection: Connection) -> None:
        """The latest snapshot and what happened since."""
        for row in connection.execute(select(schema.layouts)):
            self._layouts.add(row.digest, row.body)
        self._layouts.new.clear()
        snapshots = connection.execute(select(schema.snapshots).order_by(schema.snapshots.c.serial)).all()
        if not snapshots:
            raise FormatError("the database has no state to begin with")
        self.first: State = decode(State, from_text(snapshots[0].body), self._layouts)
        self.state = decode(State, from_text(snapshots[-1].body), self._layouts)
        self._snapshot: int = snapshots[-1].serial
        self._due = _next_snapshot(self._snapshot, self.state)
        self._serial: int = connection.execute(select(func.max(schema.events.c.serial))).scalar() or 0
        since = select(schema.events).where(schema.events.c.serial > self._snapshot).order_by(schema.events.c.serial)
        for row in connection.execute(since):
            self.state, _ = decide(self.state, decode(Event, from_text(row.body), self._layouts))
            if self.state.counter != row.counter:
                raise FormatError(
                    f"event {row.serial} does not lead to where it once led",
                    details="The gate's rules have changed since it was written, or the log is damaged.",
                    hint="start the version that wrote it once more and stop it; it leaves a snapshot to go on from",
                )

    def _keep_layouts(self, connection: Connection) -> None:
        new = self._layouts.new
        if new:
            connection.execute(insert(schema.layouts), [{"digest": name, "body": text} for name, text in new.items()])

    def _take_snapshot(self) -> None:
        body = to_text(encode(self.state, self._layouts))
        old = schema.snapshots.c.serial
        with _said(), self._connection.begin():
            self._keep_layouts(self._connection)
            self._connection.execute(delete(schema.snapshots).where(old > 0))
            self._connection.execute(insert(schema.snapshots), {"serial": self._serial, "body": body})
        self._layouts.new.clear()
        self._snapshot = self._serial
        self._due = _next_snapshot(self._serial, self.state)


def _next_snapshot(serial: int, state: State) -> int:
    return serial + max(SNAPSHOT_EVERY, len(state.items), len(state.changes))


_INSERT_EVENT = insert(schema.events)
_INSERT_ACTION = insert(schema.outbox)
_DELETE_ACTION = delete(schema.outbox).where(schema.outbox.c.action == bindparam("gone"))


def open_file(path: Path, first: Callable[[], State], *, durable: bool = True) -> SqlStore:
    """The store in an SQLite file."""
    return SqlStore(f"sqlite:///{path}", first, durable=durable)


@contextmanager
def _said() -> Iterator[None]:
    """Tell what the database could not do."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        hint = "free some disk space and start again" if "full" in reason else ""
        raise InfrastructureError("the gate's database cannot be used", details=reason, hint=hint) from error


def _connected(engine: Engine, *, durable: bool) -> Engine:
    if engine.dialect.name == "sqlite":

        def begun(connection: Any, record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

        hooks.listen(engine, "connect", begun)
    return engine
