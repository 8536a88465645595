"""An action without an answer that takes its time is wanted until it is said to be done."""

from __future__ import annotations

from pathlib import Path

from gatelocal.engine.engine import Engine
from gatelocal.engine.loop import Call, Inbox, follow
from gatelocal.model.facts import Facts, Vote
from gatelocal.model.layout import Layout, Manager, Pipeline, Project, QueueSpec, Trigger, Voice
from gatelocal.pipeline.actions import Action, Report
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import ChangeEvent, Event, Started
from gatelocal.ports import Later
from gatelocal.store.sql import open_file

PIPELINE = Pipeline(
    "check",
    Manager.INDEPENDENT,
    triggers=(Trigger(("patchset-created",)),),
    voices={"enqueue": Voice()},
)
LAYOUT = Layout({"check": PIPELINE}, {"p": Project("p", frozenset({"check"}))}, {"p": QueueSpec("p")}, {})


class Slow:
    """Hands that begin a message and leave it at that."""

    def __init__(self) -> None:
        self.asked: list[Action] = []

    def carry_out(self, action: Action) -> Event | Later | None:
        self.asked.append(action)
        return Later.LATER if isinstance(action, Report) else None


def test_a_message_is_wanted_until_it_is_said_to_be_posted(tmp_path: Path) -> None:
    store = open_file(tmp_path / "gate.sqlite", lambda: initial(LAYOUT))
    engine = Engine(store, Slow())
    facts = Facts("1", 1, "p", "master", votes=(Vote("Code-Review", 2, "a"),))
    engine.feed(ChangeEvent(1.0, "patchset-created", facts.ref, facts))
    (report,) = [one for one in store.outbox() if isinstance(one, Report)]
    store.drop()

    store = open_file(tmp_path / "gate.sqlite", lambda: initial(LAYOUT))
    hands = Slow()
    engine = Engine(store, hands)
    engine.run()
    assert [one for one in hands.asked if isinstance(one, Report)] == [report], "the next process posts it"
    engine.finished(report.id)
    assert not [one for one in store.outbox() if isinstance(one, Report)]
    store.close()


def test_what_is_called_comes_between_two_events(tmp_path: Path) -> None:
    store = open_file(tmp_path / "gate.sqlite", lambda: initial(LAYOUT))
    engine, inbox, seen = Engine(store, Slow()), Inbox(lambda: 7.0), []
    inbox.put(Started(0.0))
    inbox.put(Call(lambda: seen.append(engine.state.now)))
    assert inbox.age >= 0.0
    follow(engine, inbox, lambda: bool(seen))
    assert (seen, inbox.age) == ([7.0], 0.0)
    store.close()
