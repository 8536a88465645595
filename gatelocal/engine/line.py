"""A gate with one line and one change in it, followed until that has left; nothing is left running after it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from gatelocal.engine.asked import Asked, layout
from gatelocal.engine.engine import Engine
from gatelocal.engine.hands import LocalHands, Make
from gatelocal.engine.loop import Inbox, follow
from gatelocal.engine.work import Tools
from gatelocal.errors import InputError
from gatelocal.pipeline import texts
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Dequeue, Enqueue
from gatelocal.pipeline.state import Item
from gatelocal.store.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class Question:
    """What is put into the line.

    :ivar pipeline: what the gate calls its only pipeline. :ivar hold: keep the node of the first voting build that
        fails.
    """

    asked: Asked
    pipeline: str
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """What came out. :ivar item: as it left the line. :ivar hands: with what its builds have left."""

    item: Item
    hands: LocalHands


def through(tools: Tools, question: Question, make: Make) -> Ended:
    """Take a change through the line.

    :param make: merges it, and finds out what is to run.
    :raises InputError: the gate does not take it. :raises KeyboardInterrupt: somebody has ended it.
    """
    asked, pipeline, inbox = question.asked, question.pipeline, Inbox(time.monotonic)
    hands = LocalHands(tools, inbox, make, lambda known: layout(asked, pipeline, known.semaphores))
    hands.kept.hold = question.hold
    store = MemoryStore(initial(layout(asked, pipeline)), keep_log=False)
    left: list[Item] = []

    def note(item: Item) -> None:
        left.extend([item] if item.live else [])

    engine = Engine(store, hands, left=note)
    try:
        engine.feed(Enqueue(time.monotonic(), pipeline, asked.facts, asked.related))
        if not left and not engine.state.items:
            reason = engine.state.last.get(asked.facts.change)
            raise InputError(f"{asked.change.name} cannot be tested: {texts.sentence(reason) if reason else ''}")
        follow(engine, inbox, lambda: bool(left))
        hands.wait()
    except KeyboardInterrupt:
        tools.say("interrupted: builds are stopped and nodes returned; once more ends at once")
        with suppress(Exception):  # it may have come at any moment: what the gate leaves, the hands end
            Engine(store, hands).feed(Dequeue(time.monotonic(), asked.facts.change))
        raise
    finally:
        hands.end()
    return Ended(left[0], hands)
