"""The history of builds in a database: one row for each, written as it goes on; it starts none and decides nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InfrastructureError
from gatelocal.store import schema
from gatelocal.store.connect import connected
from gatelocal.store.migrate import ensure

_BUILDS: Final = schema.builds


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
    preparation: int = 0
    before: int = 0
    limit: int = 100


class Builds:
    """The history; its methods may be called by any thread, and raise InfrastructureError."""

    def __init__(self, url: str) -> None:
        """:raises FormatError: a newer version of this program wrote it.

        What a loss of power takes from the history stands in the folders of the builds: no sync for each row.
        """
        self._engine = connected(url, durable=False)
        self._lock = threading.Lock()
        with _said(), self._engine.begin() as connection:
            ensure(connection)

    def add(self, record: BuildRecord) -> None:
        """A new one; one of that id that is there stays as it is."""
        if self.get(record.id) is None:
            with _said(), self._lock, self._engine.begin() as connection:
                connection.execute(insert(_BUILDS), _row(record))

    def change(self, id: int, **values: Any) -> BuildRecord | None:
        """Set some of its fields; gives the record as it is then, None when there is none."""
        with _said(), self._lock, self._engine.begin() as connection:
            connection.execute(update(_BUILDS).where(_BUILDS.c.id == id), _kept(values))
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
        for name in ("change", "project", "job", "result", "pipeline", "item", "preparation"):
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


def _row(record: BuildRecord) -> dict[str, Any]:
    row = asdict(record)
    return _kept(row | {name: json.dumps(row[name] or {}) for name in ("commits", "trees")})


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as every database takes them: what a program has printed may be no text."""
    told = {name: json.dumps(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {name: _text(value) if isinstance(value, str) else value for name, value in told.items()}


def _text(value: str) -> str:
    return value.replace("\0", "").encode("utf-8", "replace").decode()


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
