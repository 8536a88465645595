"""What every store must do: keep an event, its actions and the end of what it answers together, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatelocal.engine.engine import Engine, answered_by, unwanted
from gatelocal.engine.replay import replay
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.layout import Layout
from gatelocal.pipeline.actions import ANSWERED, Action
from gatelocal.pipeline.decide import decide, initial
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.policies import policy_of
from gatelocal.pipeline.state import State
from gatelocal.ports import Store
from gatelocal.sim.runner import Play, begin, finish, play, take
from gatelocal.sim.scenario import read
from gatelocal.store import load, sql
from gatelocal.store.codec import Json, Layouts, encode, to_text
from gatelocal.store.delta import applied
from gatelocal.store.memory import MemoryStore
from gatelocal.store.sql import SqlStore
from tests.postgresql import PostgreSql

SCENARIOS = Path(__file__).parents[1] / "scenario"
ALL = sorted(SCENARIOS.rglob("*.yaml"))
CRASHES = [path for path in ALL if "crash:" in path.read_text() and "layouts" not in path.parts]
EXAMPLE = next(path for path in CRASHES if "after: submit" in path.read_text())

EMPTY = Layout({}, {}, {}, {})

Make = Callable[[Callable[[], State]], Store]


def as_text(value: State | tuple[Action, ...]) -> str:
    """Layouts are compared by identity: two states from two stores are the same when their texts are."""
    return to_text(encode(value, Layouts()))


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    opened: list[SqlStore] = []

    def made(first: Callable[[], State]) -> Store:
        if request.param == "memory":
            return MemoryStore(first())
        opened.append(SqlStore(_database(request, tmp_path), first, durable=False))
        return opened[-1]

    yield made
    for store in opened:
        store.close()


def _database(request: pytest.FixtureRequest, folder: Path) -> str:
    """A database of the kind that the test's parameter names: nothing is in it."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'gate.db'}"
    found: str = request.getfixturevalue("postgresql").database()
    return found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address."""
    return _database(request, tmp_path)


@pytest.fixture(scope="module")
def recorded() -> Play:
    return play(read(EXAMPLE), keep_log=True)


def fed(store: Store, events: list[Event]) -> dict[int, Action]:
    """Commit the events one after the other; the actions that must be in the outbox afterwards."""
    waiting: dict[int, Action] = {}
    for event in events:
        state, actions = decide(store.state, event)
        ended = (*answered_by(event), *unwanted(actions))
        store.commit(event, state, actions, ended)
        waiting |= {action.id: action for action in actions}
        for one in ended:
            waiting.pop(one, None)
    return waiting


def test_what_was_committed_is_there_together(make: Make, recorded: Play) -> None:
    store = make(lambda: recorded.store.first)
    events = list(recorded.store.log)
    waiting = fed(store, events)
    assert len(events) > 20
    assert as_text(store.state) == as_text(recorded.state)
    assert [type(one) for one in store.log] == [type(one) for one in events]
    assert as_text(replay(store.first, store.log)) == as_text(recorded.state)
    assert as_text(store.outbox()) == as_text(tuple(waiting.values()))


def test_what_is_done_or_answered_leaves_the_outbox(make: Make, recorded: Play) -> None:
    store = make(lambda: recorded.store.first)
    events = list(recorded.store.log)
    at = next(n for n in range(len(events)) if any(answered_by(later) for later in events[n:]))
    fed(store, events[: at + 1])
    for action in store.outbox():
        store.done(action.id)
    assert store.outbox() == ()


# ---- a database


@pytest.mark.parametrize("path", CRASHES[:: 1 + len(CRASHES) // 8], ids=lambda path: path.stem)
def test_a_crash_scenario_holds_on_a_database_that_is_opened_again(path: Path, database: str) -> None:
    scenario = read(path)
    opened = 0

    def reopen(old: Store) -> Store:
        nonlocal opened
        opened += 1
        assert isinstance(old, SqlStore)
        old.drop()
        return SqlStore(database, pytest.fail, durable=False)

    first = lambda: initial(scenario.configuration.layout, scenario.policy)  # noqa: E731
    game = begin(scenario, store=SqlStore(database, first, durable=False))
    game.reopen = reopen
    for step in scenario.steps:
        take(game, step)
    finish(game)
    assert (game.failed, game.violations) == ([], [])
    assert opened
    assert as_text(replay(game.store.first, game.store.log)) == as_text(game.state)
    reopen(game.store).close()  # type: ignore[attr-defined]


def test_a_snapshot_is_a_cache_over_the_log(recorded: Play, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SNAPSHOT_EVERY", 7)
    store = SqlStore(database, lambda: recorded.store.first, durable=False)
    events = list(recorded.store.log)
    fed(store, events)
    store.drop()
    read: list[Json] = []

    def counted(state: State, raw: Json, layouts: Layouts) -> State:
        read.append(raw)
        return applied(state, raw, layouts)

    monkeypatch.setattr(load, "applied", counted)
    again = SqlStore(database, pytest.fail, durable=False)
    assert as_text(again.state) == as_text(recorded.state)
    assert 0 < len(read) < len(events) / 2
    again.close()
    read.clear()
    SqlStore(database, pytest.fail, durable=False).close()
    assert not read, "a store that was closed has nothing to work in"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://gate:secret-word@localhost/gate", "cannot be kept in mysql"),
        ("postgresql://gate:secret-word@localhost:port/gate", "no URL"),
        ("postgresql+asyncpg://gate:secret-word@localhost/gate", "cannot be kept in postgresql"),
    ],
)
def test_an_address_of_no_use_is_refused_and_its_password_not_shown(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        SqlStore(url, pytest.fail)
    assert "secret-word" not in f"{raised.value.brief} {raised.value.details} {raised.value.hint}"
    assert "postgresql://" in raised.value.hint


@pytest.mark.live
def test_a_server_that_lets_nobody_in_is_told_without_the_password(postgresql: PostgreSql) -> None:
    url = postgresql.database(password=True)
    SqlStore(url, lambda: initial(EMPTY, policy_of("default"))).close()
    for wrong in (url.replace(postgresql.password, "secret-word"), url.replace(f":{postgresql.port}/", ":1/")):
        with pytest.raises(InfrastructureError) as raised:
            SqlStore(wrong, pytest.fail)
        told = f"{raised.value.brief} {raised.value.details} {raised.value.hint}"
        assert "secret-word" not in told
        assert postgresql.password not in told


@pytest.mark.live
def test_what_cannot_be_committed_is_told_and_nothing_of_it_is_kept(postgresql: PostgreSql, recorded: Play) -> None:
    url = postgresql.database()
    store = SqlStore(url, lambda: recorded.store.first)
    events = list(recorded.store.log)
    fed(store, events[:10])
    held = as_text(store.state)
    postgresql.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'd%'")
    with pytest.raises(InfrastructureError, match="database cannot be used"):
        fed(store, events[10:11])
    with pytest.raises(InfrastructureError):
        fed(store, events[10:11])
    store.drop()
    again = SqlStore(url, pytest.fail)
    assert as_text(again.state) == held
    again.close()


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path({tests!r})))
from contract.endless import run
run({database!r})
"""


def _child(database: str) -> subprocess.Popen[str]:
    code = CHILD.format(tests=str(Path(__file__).parents[1]), database=database)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.live
@pytest.mark.parametrize("commits", [31, 88])
def test_killed_in_the_middle_of_commits_nothing_is_lost_and_nothing_half_there(commits: int, database: str) -> None:
    child = _child(database)
    assert child.stdout is not None
    told = [json.loads(child.stdout.readline()) for _ in range(commits)]
    holder = f".*process {child.pid}" if database.startswith("sqlite") else ""
    with pytest.raises(InputError, match=f"another gate works on {holder}"):
        SqlStore(database, pytest.fail)
    os.kill(child.pid, signal.SIGKILL)
    told += [json.loads(line) for line in child.stdout.read().splitlines() if line.endswith("}")]
    child.wait()
    store = SqlStore(database, pytest.fail)
    events = list(store.log)
    assert len(events) >= told[-1]["events"], "what was committed is there"
    assert store.state.counter >= told[-1]["counter"]
    assert as_text(store.state) == as_text(replay(store.first, events))
    assert any(facts.status == "MERGED" for facts in store.state.changes.values())
    _outbox_fits(store, events)
    store.close()


def _outbox_fits(store: SqlStore, events: list[Event]) -> None:
    """Every action that no recorded event has answered is there; none that was answered or never wanted is."""
    state, wanted = store.first, dict[int, Action]()
    for event in events:
        state, actions = decide(state, event)
        wanted |= {action.id: action for action in actions}
        for one in (*answered_by(event), *unwanted(actions)):
            wanted.pop(one, None)
    found = {action.id: action for action in store.outbox()}
    assert found.items() <= wanted.items()
    assert {number for number, one in wanted.items() if isinstance(one, ANSWERED)} <= found.keys()


def test_an_engine_goes_on_where_the_killed_one_was(database: str, recorded: Play) -> None:
    store = SqlStore(database, lambda: recorded.store.first, durable=False)
    events = list(recorded.store.log)
    fed(store, events[:10])
    expected = as_text(store.outbox())
    store.drop()
    again = SqlStore(database, pytest.fail, durable=False)
    seen: list[Action] = []

    class Hands:
        def carry_out(self, action: Action) -> Event | None:
            seen.append(action)
            return None

    Engine(again, Hands()).run()
    assert as_text(tuple(seen)) == expected
    again.close()
