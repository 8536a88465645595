"""What is known of builds that were: each with its trees, its tests, its hits, and what passing ones have said.

One database of this user, for the question whose fault a failure is, and for rates; it starts and judges nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from gatelocal.model.seen import Seen
from gatelocal.results.blame import Before
from gatelocal.store.sqlite import Database

WEEK: Final = 7 * 86400.0
KEPT: Final = 180 * 86400.0
"""Seconds that a build is remembered."""
_SAID_MOST: Final = 2_000_000

_ALL: Final = MetaData()
_BUILDS: Final = Table(
    "seen_builds",
    _ALL,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("project", String, nullable=False),
    Column("branch", String, nullable=False),
    Column("job", String, nullable=False, index=True),
    Column("change", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("voting", Boolean, nullable=False),
    Column("tree", String, nullable=False, index=True),
    Column("base", String, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("node", Text, nullable=False),
    Column("cause", String, nullable=False),
    Column("sure", String, nullable=False),
    Column("because", Text, nullable=False),
    Column("tests", Integer, nullable=False),
    Column("passed", LargeBinary, nullable=False),
)
_FAILED: Final = Table(
    "seen_failed",
    _ALL,
    Column("build", String, primary_key=True),
    Column("name", String, primary_key=True, index=True),
)
_TALLIES: Final = Table(
    "seen_tallies",
    _ALL,
    Column("job", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("passed", Integer, nullable=False),
)
_HITS: Final = Table(
    "seen_hits",
    _ALL,
    Column("build", String, primary_key=True),
    Column("bug", String, primary_key=True, index=True),
    Column("times", Integer, nullable=False),
)
_SAID: Final = Table(
    "seen_said",
    _ALL,
    Column("job", String, primary_key=True),
    Column("digest", Integer, primary_key=True),
)


class Known:
    """All of it; its methods raise InfrastructureError."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, "what is known of builds")
        with self._database.writing() as connection:
            _ALL.create_all(connection)

    def add(self, one: Seen, said: Iterable[int] = ()) -> None:
        """Remember a build, once. :param said: what it has said, where it passed: digests of folded lines."""
        names = ("id", "at", "project", "branch", "job", "outcome", "change", "seconds", "voting", "tree", "base")
        row = {name: getattr(one, name) for name in (*names, "alone", "node", "cause", "sure", "because")}
        row |= {"tests": len(one.failed) + len(one.passed), "passed": zlib.compress("\n".join(one.passed).encode())}
        job = _job(one.project, one.job)
        with self._database.writing() as connection:
            if connection.execute(select(_BUILDS.c.id).where(_BUILDS.c.id == one.id)).first() is not None:
                return
            connection.execute(insert(_BUILDS), row)
            _many(connection, insert(_FAILED), [{"build": one.id, "name": name} for name in dict.fromkeys(one.failed)])
            _many(connection, insert(_HITS), [{"build": one.id, "bug": bug, "times": n} for bug, n in one.hits])
            _plain(connection, _TALLY, [(job, name) for name in dict.fromkeys(one.passed)])
            _plain(connection, _SAY, [(job, number) for number in set(said)])

    def said(self, project: str, job: str) -> frozenset[int]:
        """The digests of all that passing builds of a job have said."""
        query = select(_SAID.c.digest).where(_SAID.c.job == _job(project, job)).limit(_SAID_MOST)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def passes(self, project: str, job: str) -> int:
        """How many builds of a job are known that passed."""
        wanted = (_BUILDS.c.project == project, _BUILDS.c.job == job, _BUILDS.c.outcome == "SUCCESS")
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(_BUILDS).where(*wanted)).scalar_one())

    def before(self, one: Seen) -> Mapping[str, Before]:
        """What is known of each test that failed in a build, or of the job where none did, the build itself apart."""
        with self._database.reading() as connection:
            query = select(_BUILDS).where(_BUILDS.c.project == one.project, _BUILDS.c.job == one.job)
            recent = _BUILDS.c.at > one.at - 2 * WEEK
            query = query.where(recent, _BUILDS.c.id != one.id).order_by(_BUILDS.c.at.desc()).limit(2000)
            rows = [dict(row) for row in connection.execute(query).mappings()]
            ids = [row["id"] for row in rows]
            failures: dict[str, set[str]] = {}
            for build, name in connection.execute(select(_FAILED).where(_FAILED.c.build.in_(ids))):
                failures.setdefault(build, set()).add(name)
            wanted = one.failed or ("",)
            tally = select(_TALLIES.c.name, _TALLIES.c.passed).where(_TALLIES.c.job == _job(one.project, one.job))
            passed = {name: count for name, count in connection.execute(tally) if name in wanted}
        passed[""] = sum(1 for row in rows if row["outcome"] == "SUCCESS")
        return {name: _before(one, name, rows, failures, passed.get(name, 0)) for name in wanted}

    def hit_rate(self, bug: str) -> tuple[int, int]:
        """In how many builds a fingerprint was true that failed, and that passed."""
        query = select(_BUILDS.c.outcome, func.count()).join(_HITS, _HITS.c.build == _BUILDS.c.id)
        query = query.where(_HITS.c.bug == bug).group_by(_BUILDS.c.outcome)
        with self._database.reading() as connection:
            counts = {outcome: int(count) for outcome, count in connection.execute(query)}
        good = counts.pop("SUCCESS", 0)
        return sum(counts.values()), good

    def builds(self, since: float = 0.0) -> Sequence[Seen]:
        """Those that ended since, the oldest first, with their hits and the names of their tests.

        Of the tests that passed, those are named that failed in another of these builds of the job: all others are
        many, and nothing can be counted of them.
        """
        recent = select(_BUILDS.c.id).where(_BUILDS.c.at >= since)
        with self._database.reading() as connection:
            query = select(_BUILDS).where(_BUILDS.c.at >= since).order_by(_BUILDS.c.at)
            rows = [dict(row) for row in connection.execute(query).mappings()]
            failed: dict[str, list[str]] = {}
            for build, name in connection.execute(select(_FAILED).where(_FAILED.c.build.in_(recent))):
                failed.setdefault(build, []).append(name)
            hits: dict[str, list[tuple[str, int]]] = {}
            for build, bug, times in connection.execute(select(_HITS).where(_HITS.c.build.in_(recent))):
                hits.setdefault(build, []).append((bug, times))
        suspects: dict[str, set[str]] = {}
        for row in rows:
            suspects.setdefault(_job(row["project"], row["job"]), set()).update(failed.get(row["id"], ()))
        return [
            _seen(row, failed.get(row["id"], []), hits.get(row["id"], []), suspects[_job(row["project"], row["job"])])
            for row in rows
        ]

    def prune(self, before: float) -> None:
        """Forget builds that had ended by then."""
        old = select(_BUILDS.c.id).where(_BUILDS.c.at < before)
        with self._database.writing() as connection:
            connection.execute(delete(_FAILED).where(_FAILED.c.build.in_(old)))
            connection.execute(delete(_HITS).where(_HITS.c.build.in_(old)))
            connection.execute(delete(_BUILDS).where(_BUILDS.c.at < before))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _before(
    one: Seen, name: str, rows: Sequence[Mapping[str, Any]], failures: Mapping[str, set[str]], passed: int
) -> Before:
    """Count. Of the branch alone, builds of the very base count; without any, the latest one."""

    def failing(row: Mapping[str, Any]) -> bool:
        if name:
            return name in failures.get(row["id"], ())
        return row["outcome"] in ("FAILURE", "TIMED_OUT") and not failures.get(row["id"])

    def passing(row: Mapping[str, Any]) -> bool:
        if row["outcome"] == "SUCCESS":
            return not name or name in _names(row)
        return bool(name) and name in _names(row)

    same = [row for row in rows if one.tree and row["tree"] == one.tree]
    alone = [row for row in rows if row["alone"] and row["branch"] == one.branch and row not in same]
    very = [row for row in alone if one.base and row["base"] == one.base]
    alone = very or alone[:1]
    others: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["change"] and row["change"] != one.change and not row["alone"] and failing(row):
            others.setdefault(row["change"], []).append(row)
    trees = {change: {row["tree"] for row in each if row["tree"]} for change, each in others.items()}
    flaked = [
        change
        for change, each in trees.items()
        if any(row["change"] == change and row["tree"] in each and passing(row) for row in rows)
    ]
    return Before(
        sum(map(passing, same)),
        sum(map(failing, same)),
        sum(map(failing, alone)),
        sum(map(passing, alone)),
        len(others),
        len(flaked),
        passed,
        bool(alone) and not very,
    )


def _names(row: Mapping[str, Any]) -> set[str]:
    try:
        return set(zlib.decompress(row["passed"]).decode().split("\n"))
    except (zlib.error, UnicodeDecodeError):
        return set()


def _seen(row: Mapping[str, Any], failed: list[str], hits: list[tuple[str, int]], suspects: set[str]) -> Seen:
    values = {name: value for name, value in row.items() if name not in ("tests", "passed")}
    passed = tuple(sorted(_names(row) & suspects)) if suspects else ()
    return Seen(**values, failed=tuple(failed), passed=passed, hits=tuple(hits))


def _job(project: str, job: str) -> str:
    return f"{project} {job}"


_TALLY = (
    "INSERT INTO seen_tallies (job, name, passed) VALUES (?, ?, 1)"
    " ON CONFLICT (job, name) DO UPDATE SET passed = passed + 1"
)
_SAY = "INSERT OR IGNORE INTO seen_said (job, digest) VALUES (?, ?)"


def _plain(connection: Any, statement: str, rows: list[tuple[object, ...]]) -> None:
    """For what may be thousands of rows: as the driver takes them."""
    if rows:
        connection.exec_driver_sql(statement, rows)


def _many(connection: Any, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
