"""The journal of a run's gate: what was committed is there again, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal.engine.asked import layout
from gatelocal.engine.engine import Engine
from gatelocal.errors import GateError
from gatelocal.model.facts import Ref
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.pipeline.actions import Action, Prepare, RequestNode, StartBuild
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import BuildDone, Enqueue, Event, NodeAnswer, Prepared
from gatelocal.pipeline.state import State
from gatelocal.store import journal
from gatelocal.store.codec import FormatError, Layouts, encode, to_text
from gatelocal.store.journal import Journal
from tests.fakes.one_line import asking, change

ASKED = asking(change(1), {change(1): ()})


class Silent:
    """Hands that do nothing."""

    def __init__(self) -> None:
        self.seen: list[Action] = []

    def carry_out(self, action: Action) -> Event | None:
        self.seen.append(action)
        return None


def first() -> State:
    return initial(layout(ASKED, "gate"))


def fed(store: Journal, *events: Callable[[Silent], Event]) -> Silent:
    hands = Silent()
    engine = Engine(store, hands)
    engine.run()
    for event in events:
        engine.feed(event(hands))
    return hands


def asked(_: Silent) -> Event:
    return Enqueue(1.0, "gate", ASKED.facts)


def prepared(hands: Silent) -> Event:
    (action,) = (one for one in hands.seen if isinstance(one, Prepare))
    graph = Graph(Ref(ASKED.facts.change, 1), (JobSpec("a"), JobSpec("b")))
    return Prepared(2.0, action.id, action.item, action.generation, True, (), (), (graph,))


def node(hands: Silent) -> Event:
    action = next(one for one in hands.seen if isinstance(one, RequestNode))
    return NodeAnswer(3.0, action.id, action.item, action.generation, action.run, True)


def done(hands: Silent) -> Event:
    (action,) = (one for one in hands.seen if isinstance(one, StartBuild))
    return BuildDone(4.0, action.id, action.item, action.generation, action.run, "SUCCESS")


def written(state: State) -> str:
    return to_text(encode(state, Layouts()))


def kinds(store: Journal) -> list[str]:
    return [type(one).__name__ for one in store.outbox()]


def test_it_is_opened_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    store = Journal(path, first)
    fed(store, asked, prepared, node)
    assert kinds(store) == ["RequestNode", "StartBuild"]
    store.close()
    again = Journal(path, first)
    assert (written(again.state), again.log) == (written(store.state), store.log)
    assert written(again.first) == written(store.first) != written(store.state)
    assert kinds(again) == ["RequestNode", "StartBuild"] and path.stat().st_mode & 0o077 == 0
    hands = fed(again)
    assert [type(one).__name__ for one in hands.seen] == ["RequestNode", "StartBuild"]
    fed(again, lambda _: done(hands))
    assert kinds(again) == ["RequestNode"]
    again.close()
    assert kinds(Journal(path, first)) == ["RequestNode"]


def test_a_line_that_was_cut_off_never_was(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    store = Journal(path, first)
    fed(store, asked, prepared)
    store.close()
    whole = path.read_bytes()
    before = Journal(path, first)
    before.close()
    store = Journal(path, first)
    fed(store, node_of(store))
    store.close()
    longer = path.read_bytes()
    assert longer.startswith(whole) and len(longer) > len(whole)
    for cut in range(len(whole), len(longer)):
        path.write_bytes(longer[:cut])
        torn = Journal(path, first)
        assert written(torn.state) == written(before.state) and len(torn.log) == 2
        torn.close()
        assert path.read_bytes() == whole


def node_of(store: Journal) -> Callable[[Silent], Event]:
    action = next(one for one in store.outbox() if isinstance(one, RequestNode))
    return lambda _: NodeAnswer(3.0, action.id, action.item, action.generation, action.run, True)


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace('"gatelocal-journal":', '"gatelocal-log":'),
        lambda text: "\n".join(text.splitlines()[:1]) + "\n",
        lambda text: text.replace('"to":', '"to":1'),
        lambda text: text.replace('"event"', '"evnt"'),
        lambda text: text.replace("Enqueue", "Dequeue"),
        lambda text: "\n" + text,
    ],
)
def test_what_is_damaged_or_of_another_version_is_refused(tmp_path: Path, harm: Callable[[str], str]) -> None:
    path = tmp_path / "journal"
    store = Journal(path, first)
    fed(store, asked, prepared)
    store.close()
    path.write_text(harm(path.read_text()))
    with pytest.raises(GateError):
        Journal(path, first)


def test_other_rules_do_not_go_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Journal(tmp_path / "journal", first)
    fed(store, asked)
    store.close()
    monkeypatch.setattr(journal, "rules", lambda: "later")
    with pytest.raises(FormatError, match="another version of this program"):
        Journal(tmp_path / "journal", first)
