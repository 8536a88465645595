"""The tables of a database: made at once, or led on from those of an older version; somebody else's are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Engine

from gatelocal.errors import InputError
from gatelocal.store import migrate, schema
from gatelocal.store.codec import FormatError
from gatelocal.store.migrate import ensure


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "sqlite":
        return create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    return create_engine(request.getfixturevalue("postgresql").database())


def led(engine: Engine) -> str:
    with engine.begin() as connection:
        ensure(connection)
        return str(connection.execute(text(f"select version_num from {schema.VERSIONS}")).scalar_one())  # noqa: S608


def indexes(engine: Engine) -> set[str | None]:
    return {one["name"] for one in inspect(engine).get_indexes("builds")}


def older(engine: Engine, version: str | None = "0001") -> None:
    """The database of the first step, with a build in it. :param version: None: of the time before there were steps."""
    led(engine)
    columns = {one.name: 1 if str(one.type) in ("INTEGER", "BIGINT", "FLOAT") else "x" for one in schema.builds.c}
    with engine.begin() as connection:
        connection.execute(schema.builds.insert(), columns | {"voting": True, "control": False})
        for name in schema.LATER:
            connection.execute(text(f"drop index {name}"))
        if version is None:
            connection.execute(text(f"drop table {schema.VERSIONS}"))
        else:
            connection.execute(text(f"update {schema.VERSIONS} set version_num = '{version}'"))  # noqa: S608


def test_the_steps_lead_to_the_tables_that_are_made_at_once(engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(migrate.STEPS)).get_current_head() == schema.REVISION
    assert led(engine) == schema.REVISION
    made = indexes(engine)
    older(engine)
    assert indexes(engine) == made - {*schema.LATER}
    assert led(engine) == schema.REVISION
    assert indexes(engine) == made
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSIONS})
        assert compare_metadata(context, schema.metadata()) == []
        assert connection.execute(text("select count(*) from builds")).scalar() == 1, "what was there stays"


def test_what_is_of_this_version_needs_no_alembic(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "_lead", pytest.fail)
    assert led(engine) == led(engine) == schema.REVISION


def test_a_file_of_the_time_before_there_were_steps_is_led_on(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    older(engine, None)
    with engine.begin() as connection:
        connection.execute(text("drop table deltas"))
    assert led(engine) == schema.REVISION
    assert {*schema.LATER} <= indexes(engine)
    assert "deltas" in inspect(engine).get_table_names()


def test_a_newer_version_is_left_alone(engine: Engine) -> None:
    older(engine, "9999")
    with pytest.raises(FormatError, match="newer version"):
        led(engine)


@pytest.mark.live
def test_tables_of_somebody_else_are_left_alone(postgresql: object) -> None:
    engine = create_engine(postgresql.database())  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(text("create table events (name text)"))
    with pytest.raises(InputError, match="tables of somebody else: events"):
        led(engine)
