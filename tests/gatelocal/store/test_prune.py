"""Old events go by a setting; what is left of the log still leads from its first state to the latest one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.engine.engine import answered_by, unwanted
from gatelocal.engine.replay import replay
from gatelocal.model.layout import Layout
from gatelocal.pipeline.decide import decide, initial
from gatelocal.pipeline.events import Event, Reloaded, Woken
from gatelocal.pipeline.state import State
from gatelocal.store import load, log, sql, write
from gatelocal.store.codec import Layouts, encode, to_text
from gatelocal.store.sql import SqlStore, open_file

pytestmark = pytest.mark.live  # more seconds than the fast suite has

EVERY = 10
"""Events between two snapshots."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SNAPSHOT_EVERY", EVERY)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "gate.db"


def as_text(value: State) -> str:
    return to_text(encode(value, Layouts()))


def layout(**semaphores: int) -> Layout:
    return Layout({}, {}, {}, semaphores)


def first() -> State:
    return initial(layout(s=0))


def fed(store: SqlStore, events: Iterator[Event] | list[Event]) -> None:
    for event in events:
        state, actions = decide(store.state, event)
        store.commit(event, state, actions, (*answered_by(event), *unwanted(actions)))


def ticks(start: int, count: int) -> list[Event]:
    return [Woken(float(number)) for number in range(start, start + count)]


def rows(database: Path, table: str, column: str = "serial") -> list[int]:
    with sqlite3.connect(database) as connection:
        found = [row[0] for row in connection.execute(f"select {column} from {table} order by {column}")]  # noqa: S608
    connection.close()
    return found


@pytest.mark.parametrize("keep", [0, 1, 8, 25, 40, 100])
def test_the_log_keeps_what_was_asked_for_and_not_much_more(keep: int, database: Path) -> None:
    store = open_file(database, first, durable=False, keep=keep)
    for number in range(1, 301):
        fed(store, ticks(number, 1))
        events = list(store.log)
        assert [event.at for event in events] == [float(at) for at in range(number - len(events) + 1, number + 1)]
        since = number % EVERY
        assert len(events) >= min(keep + since, number)
        assert len(events) <= keep + max(keep // 4, EVERY) + EVERY + since
        if number % 7 == 0:
            assert as_text(replay(store.first, events)) == as_text(store.state)
    assert store.first.now > 0
    assert len(rows(database, "snapshots")) <= 7
    assert len(rows(database, "deltas")) <= EVERY
    store.close()


def test_without_a_limit_all_stays(database: Path) -> None:
    store = open_file(database, first, durable=False, keep=None)
    fed(store, ticks(1, 95))
    assert len(list(store.log)) == 95
    assert store.first.now == 0
    assert rows(database, "snapshots") == [0, 90]
    store.close()


def test_what_is_left_opens_after_a_crash_and_a_lower_limit_holds_at_once(database: Path) -> None:
    store = open_file(database, first, durable=False, keep=40)
    fed(store, ticks(1, 95))
    state, events, began = store.state, list(store.log), store.first
    store.drop()
    again = open_file(database, pytest.fail, durable=False, keep=40)
    assert as_text(again.state) == as_text(state)
    assert as_text(again.first) == as_text(began)
    assert list(again.log) == events
    again.drop()
    less = open_file(database, pytest.fail, durable=False, keep=5)
    assert 0 < len(list(less.log)) < len(events)
    assert as_text(replay(less.first, less.log)) == as_text(state)
    less.close()
    least = open_file(database, pytest.fail, durable=False, keep=0)
    assert list(least.log) == []
    assert as_text(least.first) == as_text(least.state) == as_text(state)
    fed(least, ticks(96, 3))
    assert rows(database, "events") == [96, 97, 98], "numbers go on"
    least.close()


def test_layouts_that_nobody_names_go_and_may_come_again(database: Path) -> None:
    store = open_file(database, first, durable=False, keep=15)
    other, another = layout(s=1), layout(s=2)
    fed(store, [Reloaded(1.0, other), *ticks(2, 20)])
    assert len(rows(database, "layouts", "digest")) == 2
    fed(store, [Reloaded(30.0, another), *ticks(31, 60)])
    assert len(rows(database, "layouts", "digest")) == 1
    fed(store, [Reloaded(100.0, other), *ticks(101, 5)])
    state = store.state
    store.drop()
    again = open_file(database, pytest.fail, durable=False, keep=15)
    assert as_text(again.state) == as_text(state)
    assert again.state.layout.semaphores == {"s": 1}
    again.close()


def test_logs_of_other_programs_go_the_same_way(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 1
    for program in "abc":
        for module in (load, write):
            monkeypatch.setattr(module, "rules", lambda program=program: program)
        store = open_file(database, first, durable=False, keep=40)
        fed(store, ticks(at, 23))
        at += 23
        store.close()
    store = open_file(database, pytest.fail, durable=False, keep=40)
    files = [log.read(list(lines)) for lines in store.logs()]
    lengths = [len(list(events)) for _, events in files]
    assert lengths == [23, 23]
    assert [state.now for state, _ in files] == [23.0, 46.0]
    assert len(list(store.log)) == 23
    fed(store, ticks(at, 60))
    lengths = [len(list(log.read(list(lines))[1])) for lines in store.logs()]
    assert len(lengths) == 1
    assert lengths[0] == len(list(store.log)) < 83
    assert as_text(replay(store.first, store.log)) == as_text(store.state)
    assert len(rows(database, "programs")) == 1
    store.close()
