"""A database that another program wrote: other rules, an older format, an older schema, a newer version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatelocal.engine import engine as loop
from gatelocal.engine.engine import answered_by, unwanted
from gatelocal.engine.replay import replay
from gatelocal.model.record import replace
from gatelocal.pipeline import decide as rooms
from gatelocal.pipeline.actions import ANSWERED, Action, CancelBuild, DropRequest
from gatelocal.pipeline.decide import Decided, decide, initial
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.ports import Store
from gatelocal.sim.runner import Play, begin, finish, play, take
from gatelocal.sim.scenario import read
from gatelocal.store import codec, convert, load, log, rules, write
from gatelocal.store.codec import FORMAT, FormatError, Layouts, encode, to_text
from gatelocal.store.sql import SqlStore, open_file

SCENARIOS = Path(__file__).parents[2] / "scenario"
CRASHES = sorted(path for path in SCENARIOS.rglob("*.yaml") if "crash:" in path.read_text())
EXAMPLE = next(path for path in CRASHES if "after: submit" in path.read_text())


def as_text(value: State | tuple[Action, ...]) -> str:
    return to_text(encode(value, Layouts()))


@pytest.fixture(scope="module")
def recorded() -> Play:
    return play(read(EXAMPLE), keep_log=True)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "gate.db"


def other_rules(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for module in (load, write):
        monkeypatch.setattr(module, "rules", lambda: name)


def crashed(database: Path, recorded: Play, count: int | None = None) -> tuple[State, tuple[Action, ...], list[Event]]:
    """What a store held that so many events were committed to, when its program died."""
    store = open_file(database, lambda: recorded.store.first, durable=False)
    events = list(recorded.store.log)[:count]
    for event in events:
        state, actions = decide(store.state, event)
        store.commit(event, state, actions, (*answered_by(event), *unwanted(actions)))
    held = store.state, store.outbox(), events
    store.drop()
    return held


def half_way(recorded: Play) -> int:
    """So many events that builds are under way."""
    state = recorded.store.first
    for number, event in enumerate(recorded.store.log):
        state, _ = decide(state, event)
        if sum(run.phase.value == "running" for item in state.items.values() for run in item.runs) >= 2:
            return number + 1
    raise AssertionError


# ---- other rules


def test_no_rule_is_asked_what_happened(recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, outbox, _ = crashed(database, recorded, half_way(recorded))
    other_rules(monkeypatch, "later")
    monkeypatch.setattr(load, "decide", pytest.fail)
    store = open_file(database, pytest.fail)
    assert not store.anew
    assert as_text(store.state) == as_text(state)
    assert store.state.counter > 0
    assert outbox
    assert as_text(store.outbox()) == as_text(outbox)
    store.close()


def test_the_log_of_other_rules_ends_where_these_begin(
    recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = half_way(recorded)
    state, _, events = crashed(database, recorded, middle)
    other_rules(monkeypatch, "later")
    store = open_file(database, pytest.fail)
    assert list(store.log) == []
    assert as_text(store.first) == as_text(state)
    for event in list(recorded.store.log)[middle:]:
        after, actions = decide(store.state, event)
        store.commit(event, after, actions, answered_by(event))
    assert as_text(replay(store.first, store.log)) == as_text(store.state) == as_text(recorded.state)
    older, newer = (log.read(list(lines)) for lines in store.logs())
    assert as_text(older[0]) == as_text(recorded.store.first)
    assert as_text(replay(older[0], older[1])) == as_text(state)
    assert len(list(newer[1])) == len(list(recorded.store.log)) - len(events)
    store.close()


def test_the_same_rules_go_on_with_the_same_log(recorded: Play, database: Path) -> None:
    _, _, events = crashed(database, recorded)
    for _ in range(2):
        store = open_file(database, pytest.fail)
        assert len(list(store.log)) == len(events)
        assert as_text(store.first) == as_text(recorded.store.first)
        assert as_text(replay(store.first, store.log)) == as_text(store.state)
        store.close()


def test_a_digest_of_the_rules_changes_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in rules.ROOMS:
        (tmp_path / "gatelocal" / room).mkdir(parents=True)
        (tmp_path / "gatelocal" / room / "one.py").write_text("1")
    (tmp_path / "gatelocal" / "store").mkdir()
    monkeypatch.setattr(rules, "__file__", str(tmp_path / "gatelocal" / "store" / "rules.py"))
    before = rules.rules.__wrapped__()
    assert before == rules.rules.__wrapped__()
    (tmp_path / "gatelocal" / "pipeline" / "one.py").write_text("2")
    assert before != rules.rules.__wrapped__()


def wasteful(state: State, event: Event) -> Decided:
    """Rules that give ids with gaps: the same events lead to other ids."""
    return rooms.traced(replace(state, counter=state.counter + 3), event)


@pytest.mark.parametrize("path", CRASHES[:: 1 + len(CRASHES) // 10], ids=lambda path: path.stem)
@pytest.mark.parametrize("order", [(rooms.traced, wasteful), (wasteful, rooms.traced)], ids=["wasteful", "sparing"])
def test_a_gate_goes_on_with_other_rules_after_every_crash(
    order: tuple[Callable[..., Decided], ...], path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = read(path)
    programs = [order[0]]
    given: set[int] = set()

    def begins(rules: Callable[..., Decided]) -> None:
        other_rules(monkeypatch, rules.__name__)

        def once(state: State, event: Event) -> Decided:
            found = rules(state, event)
            ids = [action.id for action in found.actions]
            assert given.isdisjoint(ids), "an id is given twice"
            given.update(ids)
            return found

        monkeypatch.setattr(loop, "traced", once)

    def reopen(old: Store) -> Store:
        assert isinstance(old, SqlStore)
        state, outbox = old.state, old.outbox()
        old.drop()
        programs.append(order[len(programs) % 2])
        begins(programs[-1])
        store = open_file(database, pytest.fail, durable=False)
        assert as_text(store.state) == as_text(state)
        again = [one for one in store.outbox() if isinstance(one, ANSWERED)]
        assert as_text(tuple(again)) == as_text(tuple(one for one in outbox if isinstance(one, ANSWERED)))
        return store

    begins(programs[0])
    first = lambda: initial(scenario.configuration.layout, scenario.policy)  # noqa: E731
    game = begin(scenario, store=open_file(database, first, durable=False))
    game.reopen = reopen
    for step in scenario.steps:
        take(game, step)
    finish(game)
    assert (game.failed, game.violations) == ([], [])
    assert len(programs) > 1
    assert isinstance(game.store, SqlStore)
    game.store.close()


# ---- another format


def older_by_one(monkeypatch: pytest.MonkeyPatch, steps: dict[int, convert.Step]) -> None:
    """This program is from now on one of the next format."""
    for module in (codec, convert, load, write, log):
        monkeypatch.setattr(module, "FORMAT", FORMAT + 1)
    monkeypatch.setattr(convert, "STEPS", steps)


def renamed(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """Today's `counter` was called `number` in the older format, today's gate `gait`."""
    if kind == "State" and "number" in record:
        record["counter"] = record.pop("number")
    if kind == "StartBuild":
        record["pipeline"] = record.pop("line")
    if kind == "Layout":
        record["semaphores"] = record.pop("flags")
    return record


def make_older(database: Path) -> None:
    """Write values as the step `renamed` expects them."""
    with sqlite3.connect(database) as connection:
        for table, key, old, new in (
            ("snapshots", "serial", '"counter":', '"number":'),
            ("deltas", "serial", '"counter":', '"number":'),
            ("outbox", "action", '"pipeline":', '"line":'),
        ):
            rows = connection.execute(f"select {key}, body from {table}").fetchall()  # noqa: S608
            for serial, body in rows:
                if table != "outbox" or '"$":"StartBuild"' in body:
                    connection.execute(
                        f"update {table} set body = ? where {key} = ?",  # noqa: S608
                        (body.replace(old, new), serial),
                    )
        ((name, body),) = connection.execute("select digest, body from layouts").fetchall()
        old_body = body.replace('"semaphores":', '"flags":')
        assert old_body != body
        digest = codec.hashlib.sha256(old_body.encode()).hexdigest()
        connection.execute("update layouts set digest = ?, body = ?", (digest, old_body))
        for table in ("snapshots", "deltas", "events"):
            connection.execute(f"update {table} set body = replace(body, ?, ?)", (name, digest))  # noqa: S608
    connection.close()


def test_an_older_format_is_converted_step_by_step(
    recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, outbox, _ = crashed(database, recorded, half_way(recorded))
    make_older(database)
    older_by_one(monkeypatch, {FORMAT: renamed})
    for _ in range(2):
        store = open_file(database, pytest.fail)
        assert not store.anew
        assert as_text(store.state) == as_text(state)
        assert any(type(one).__name__ == "StartBuild" for one in outbox)
        assert as_text(store.outbox()) == as_text(outbox)
        assert as_text(store.first) == as_text(state)
        store.drop()
    monkeypatch.setattr(convert, "STEPS", {})
    open_file(database, pytest.fail).close()


def test_a_log_file_of_an_older_format_is_converted(recorded: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.replace('"counter":', '"number":') for line in log.lines(recorded.state, recorded.store.log)]
    rename = lambda kind, record: renamed(kind, record) if kind == "State" else record  # noqa: E731
    older_by_one(monkeypatch, {FORMAT: rename})
    state, events = log.read(lines)
    assert as_text(state) == as_text(recorded.state)
    assert list(events) == list(recorded.store.log)


def test_a_field_that_is_new_has_its_default(recorded: Play, database: Path) -> None:
    state, _, _ = crashed(database, recorded)
    assert not state.trail
    with sqlite3.connect(database) as connection:
        ((body,),) = connection.execute("select body from snapshots").fetchall()
        older = body.replace(',"trail":[[],[]]', "")
        assert older != body
        connection.execute("update snapshots set body = ?", (older,))
    connection.close()
    store = open_file(database, pytest.fail)
    assert as_text(store.state) == as_text(state)
    store.close()


# ---- one that cannot be read on


def test_a_format_without_a_way_is_begun_anew_and_no_id_is_given_twice(
    recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, outbox, _ = crashed(database, recorded, half_way(recorded))
    older_by_one(monkeypatch, {})
    store = open_file(database, lambda: recorded.store.first)
    assert store.anew
    builds = {one.id for one in outbox if type(one).__name__ == "StartBuild"}
    requests = {one.id for one in outbox if type(one).__name__ == "RequestNode"}
    ends = store.outbox()
    assert {one.build for one in ends if isinstance(one, CancelBuild)} == builds
    assert {one.request for one in ends if isinstance(one, DropRequest)} == requests
    assert len(builds) >= 2
    assert min(one.id for one in ends) > state.counter
    assert store.state.counter == max(one.id for one in ends)
    assert as_text(replace(store.state, counter=0)) == as_text(replace(recorded.store.first, counter=0))
    store.close()
    again = open_file(database, pytest.fail)
    assert not again.anew
    again.close()


STORY = """
scenario: the database cannot be read on while builds run
policy: default
layout: layout.yaml
changes: {K: {project: E}, L: {project: E}, M: {project: E}}
builds: {hold: true}
steps:
  - approve: [K, L, M]
  - crash: now
  - expect: {running: 3, builds: {total: 6, ABORTED: 3}}
  - release: all
  - expect: {landed: [K, L, M], builds: {total: 6}}
"""


def test_what_is_begun_anew_takes_in_again_what_is_approved_and_lands_it_tested(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = database.with_name("story.yaml")
    story.write_text(STORY)
    story.with_name("layout.yaml").write_text((EXAMPLE.parent / "layouts" / "gate.yaml").read_text())
    scenario = read(story)
    first = lambda: initial(scenario.configuration.layout, scenario.policy)  # noqa: E731
    found: list[SqlStore] = []

    def reopen(old: Store) -> Store:
        assert isinstance(old, SqlStore)
        old.drop()
        older_by_one(monkeypatch, {})
        found.append(open_file(database, first, durable=False))
        return found[0]

    game = begin(scenario, store=open_file(database, first, durable=False))
    game.reopen = reopen
    for step in scenario.steps:
        take(game, step)
    finish(game)
    assert found[0].anew
    assert (game.failed, game.violations) == ([], [])
    found[0].close()


def as_schema_1(database: Path) -> None:
    """As the version before wrote it: without changes of the state, and without who wrote."""
    with sqlite3.connect(database) as connection:
        connection.execute("drop table deltas")
        connection.execute("drop table programs")
        connection.execute("drop table builds")
        connection.execute("drop table gatelocal_version")
        connection.execute("update meta set value = '1' where name = 'schema'")
    connection.close()


def test_the_first_schema_is_decided_on_again(recorded: Play, database: Path) -> None:
    state, outbox, events = crashed(database, recorded)
    as_schema_1(database)
    store = open_file(database, pytest.fail)
    assert as_text(store.state) == as_text(state)
    assert as_text(store.outbox()) == as_text(outbox)
    assert as_text(store.first) == as_text(state)
    store.close()
    assert len(events) > 20


def test_the_first_schema_of_other_rules_is_begun_anew(
    recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, _, _ = crashed(database, recorded)
    as_schema_1(database)
    monkeypatch.setattr(load, "decide", lambda state, event: (state, ()))
    store = open_file(database, lambda: recorded.store.first)
    assert store.anew
    assert store.state.counter >= state.counter
    store.close()


# ---- what is refused


def test_a_newer_version_is_refused(recorded: Play, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        older_by_one(patch, {})
        open_file(database, lambda: recorded.store.first).close()
    with pytest.raises(FormatError, match="written by a newer version"):
        open_file(database, pytest.fail)


@pytest.mark.parametrize(
    "damage",
    [
        "delete from deltas where serial = 9",
        "delete from events where serial = 9",
        "delete from events where serial > 9",
        "update events set counter = counter + 1 where serial = 9",
        "update deltas set body = '{' where serial = 9",
        "update layouts set body = body || ' '",
        "delete from snapshots",
    ],
)
def test_damage_is_told_and_nothing_is_begun_anew(damage: str, recorded: Play, database: Path) -> None:
    crashed(database, recorded, 15)
    with sqlite3.connect(database) as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(FormatError):
        open_file(database, pytest.fail)
