"""What an event changed, as it is kept, makes of the state before it the state after it, with its keys in order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from gatelocal.model.facts import Facts
from gatelocal.model.layout import Layout
from gatelocal.model.record import replace
from gatelocal.model.table import Line, Table
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import Queue, State
from gatelocal.sim import chance, runner
from gatelocal.store.codec import FormatError, Json, Layouts, encode, from_text, to_text
from gatelocal.store.delta import applied, delta
from gatelocal.store.memory import MemoryStore


def as_text(state: State) -> str:
    return to_text(encode(state, Layouts()))


class Twice(MemoryStore):
    """Has a second state beside its own, to which only changes are applied."""

    commits = 0

    def __init__(self, state: State, *, keep_log: bool = True) -> None:
        super().__init__(state, keep_log=keep_log)
        self.twin = state
        self.layouts = Layouts()

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        Twice.commits += 1
        raw = from_text(to_text(delta(self.state, state, self.layouts)))
        self.twin = applied(self.twin, raw, self.layouts)
        assert self.twin == replace(state, layout=self.twin.layout), event
        super().commit(event, state, actions, ended)
        if Twice.commits % 50 == 0:
            assert as_text(self.twin) == as_text(state), "base and overlay of each table are the same, too"


@pytest.mark.parametrize("worlds", [range(6), pytest.param(range(6, 80), marks=pytest.mark.live)], ids=["few", "many"])
def test_every_event_of_random_worlds(worlds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MemoryStore", Twice)
    monkeypatch.setattr(Twice, "commits", 0)
    assert chance.search(worlds, "deltas") is None
    assert Twice.commits > 30 * len(worlds)


def known(line: tuple[int, ...], *names: str) -> State:
    changes = {name: Facts(name, 1, "P", "master") for name in names}
    queue = Queue("gate", "P", "P", Line.of(line))
    return State(Layout({}, {}, {}, {}), changes=Table(changes), queues=Table({queue.key: queue}))


def kept(before: State, after: State) -> Json:
    return delta(replace(before, layout=after.layout), after, Layouts())


def test_only_what_differs_is_kept() -> None:
    before = known((3, 5, 9), "A", "B")
    facts = replace(before.changes["B"], patchset=2)
    after = replace(before, counter=7, changes=before.changes.changed({"B": facts, "C": facts, "A": None}))
    assert kept(before, after) == {
        "$": "State",
        "counter": 7,
        "changes": {
            "$": "~table",
            "entries": [
                ["B", {"$": "Facts", "patchset": 2}, True],
                ["C", {"$": "Facts", "change": "B", "patchset": 2, "project": "P", "branch": "master"}, False],
                ["A", None, False],
            ],
        },
    }
    assert applied(before, kept(before, after), Layouts()) == after


@pytest.mark.parametrize(
    ("new", "raw"),
    [
        (Line.of((3, 5, 9)).without(5).appended(12), {"$": "~line", "gone": [5], "new": [12]}),
        (Line.of((3, 4)), [3, 4]),
        (Line.of(()), {"$": "~line", "gone": [3, 5, 9], "new": []}),
    ],
)
def test_a_line_is_kept_by_what_is_gone_and_new(new: Line, raw: Json) -> None:
    before = known((3, 5, 9))
    key = ("gate", "P")
    after = replace(before, queues=before.queues.changed({key: replace(before.queues[key], line=new)}))
    found = from_text(to_text(kept(before, after)))
    assert found["queues"]["entries"] == [[list(key), {"$": "Queue", "line": raw}, True]]
    assert applied(before, found, Layouts()).queues[key].line == new


def test_a_long_line_costs_what_changes_in_it() -> None:
    line = Line.of(tuple(range(5000)))
    assert line.without(4000).appended(5000).since(line) == ((4000,), (5000,))


def test_the_order_of_keys_is_kept_where_a_table_loses_its_overlay() -> None:
    before = after = known((), *(f"C{number}" for number in range(60)))
    twin = before
    for number in [*range(55), 7, 3, *range(80, 150)]:
        name = f"C{number}"
        value = None if name in after.changes else Facts(name, 1, "P", "master")
        then = replace(after, changes=after.changes.changed({name: value}))
        twin = applied(twin, kept(after, then), Layouts())
        after = then
        assert list(twin.changes.items()) == list(after.changes.items())
        assert twin.changes.parts() == after.changes.parts()


@pytest.mark.parametrize(
    "raw",
    [
        {"$": "Queue"},
        {"$": "State", "tea": 1},
        {"$": "State", "counter": "many"},
        {"$": "State", "changes": {"$": "~table", "entries": [["Z", {"$": "Facts", "patchset": 2}, True]]}},
        {"$": "State", "changes": {"$": "~table", "entries": [7]}},
        {"$": "State", "changes": {"$": "~tea"}},
        {"$": "State", "holds": {"$": "~tuple", "at": [[3, {"$": "Autohold"}]]}},
        [],
    ],
)
def test_what_is_no_change_of_the_state_is_an_error(raw: Json) -> None:
    with pytest.raises(FormatError):
        applied(known((3,), "A"), raw, Layouts())
