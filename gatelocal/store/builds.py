"""The history of builds in a database: one row for each, written as it goes on; it starts none and decides nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy import event as hooks
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError

_ALL: Final = MetaData()
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
_BUILDS: Final = Table(
    "builds",
    _ALL,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("build", _NUMBER, nullable=False, index=True),
    Column("item", _NUMBER, nullable=False, index=True),
    Column("preparation", _NUMBER, nullable=False),
    Column("job", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("project", String(400), nullable=False),
    Column("change", String(400), nullable=False, index=True),
    Column("patchset", Integer, nullable=False),
    Column("voting", Boolean, nullable=False),
    Column("control", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("result", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("asked", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("node", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("commits", Text, nullable=False),
    Column("trees", Text, nullable=False),
    Column("notes", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """One build, from the request of its node on.

    :ivar id: of the node's request, by which it is known. :ivar build: what the gate calls it once it is begun; 0
        before. :ivar state: ``waiting starting running done``. :ivar asked: seconds since the epoch, as `started`, when
        the job began, and `ended`. :ivar folder: of its logs; empty before there is one.
    :ivar control: it tries the branch itself, without the change.
    :ivar commits: project → branch → what was tested; `trees`: the same as git trees.
    :ivar notes: what is other about it than about the job as it is written, each one sentence.
    """

    id: int
    item: int
    preparation: int
    job: str
    title: str
    pipeline: str
    project: str
    change: str
    patchset: int
    voting: bool
    control: bool
    asked: float
    build: int = 0
    state: str = "waiting"
    result: str = ""
    reason: str = ""
    attempt: int = 1
    started: float | None = None
    ended: float | None = None
    node: str = ""
    folder: str = ""
    commits: Mapping[str, Mapping[str, str]] | None = None
    trees: Mapping[str, Mapping[str, str]] | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which builds; what is empty does not matter. :ivar before: only those with a smaller id."""

    change: str = ""
    project: str = ""
    job: str = ""
    result: str = ""
    pipeline: str = ""
    item: int = 0
    before: int = 0
    limit: int = 100


class Builds:
    """The history; its methods may be called by any thread, and raise InfrastructureError."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            hooks.listen(self._engine, "connect", _begun)
        self._lock = threading.Lock()
        with _said():
            _ALL.create_all(self._engine)

    def add(self, record: BuildRecord) -> None:
        """A new one; one of that id that is there stays as it is."""
        if self.get(record.id) is None:
            with _said(), self._lock, self._engine.begin() as connection:
                connection.execute(insert(_BUILDS), _row(record))

    def change(self, id: int, **values: Any) -> BuildRecord | None:
        """Set some of its fields; gives the record as it is then, None when there is none."""
        with _said(), self._lock, self._engine.begin() as connection:
            connection.execute(update(_BUILDS).where(_BUILDS.c.id == id), values)
        return self.get(id)

    def get(self, id: int) -> BuildRecord | None:
        """One of them."""
        with _said(), self._engine.connect() as connection:
            found = connection.execute(select(_BUILDS).where(_BUILDS.c.id == id)).mappings().first()
        return None if found is None else _record(found)

    def of_build(self, build: int) -> BuildRecord | None:
        """The one that the gate calls that."""
        with _said(), self._engine.connect() as connection:
            found = connection.execute(select(_BUILDS).where(_BUILDS.c.build == build)).mappings().first()
        return None if found is None else _record(found)

    def find(self, wanted: Wanted) -> tuple[BuildRecord, ...]:
        """Those that are wanted, the newest first."""
        query = select(_BUILDS).order_by(_BUILDS.c.id.desc()).limit(wanted.limit)
        for name in ("change", "project", "job", "result", "pipeline", "item"):
            if value := getattr(wanted, name):
                query = query.where(_BUILDS.c[name] == value)
        if wanted.before:
            query = query.where(_BUILDS.c.id < wanted.before)
        with _said(), self._engine.connect() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def unfinished(self) -> tuple[BuildRecord, ...]:
        """Those that have not ended."""
        query = select(_BUILDS).where(_BUILDS.c.state != "done")
        with _said(), self._engine.connect() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def prune(self, before: float) -> None:
        """Forget those that had ended by then, in seconds since the epoch."""
        with _said(), self._lock, self._engine.begin() as connection:
            connection.execute(delete(_BUILDS).where(_BUILDS.c.ended < before))

    def forget_folder(self, preparation: int) -> None:
        """What the builds of a preparation have left is not there any more."""
        with _said(), self._lock, self._engine.begin() as connection:
            connection.execute(update(_BUILDS).where(_BUILDS.c.preparation == preparation), {"folder": ""})

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _begun(connection: Any, record: object) -> None:
    """No sync for each row: what a loss of power takes from the history stands in the folders of the builds."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _row(record: BuildRecord) -> dict[str, Any]:
    row = asdict(record)
    return (
        row | {name: json.dumps(row[name] or {}) for name in ("commits", "trees")} | {"notes": json.dumps(row["notes"])}
    )


def _record(row: Mapping[Any, Any]) -> BuildRecord:
    values = {one.name: row[one.name] for one in fields(BuildRecord)}
    record = BuildRecord(**values)
    return replace(
        record,
        commits=json.loads(row["commits"]),
        trees=json.loads(row["trees"]),
        notes=tuple(json.loads(row["notes"])),
    )


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        raise InfrastructureError("the history of builds cannot be used", details=reason) from error
