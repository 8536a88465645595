"""A gate with one line and one change in it, followed until that has left; nothing is left running after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field

from gatelocal import stopping
from gatelocal.engine.asked import Asked, layout
from gatelocal.engine.engine import Engine
from gatelocal.engine.hands import Line, LocalHands, Make
from gatelocal.engine.loop import Inbox, follow
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.work import Tools
from gatelocal.errors import InputError
from gatelocal.model.hold import Keep
from gatelocal.pipeline import texts
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Dequeue, Enqueue
from gatelocal.pipeline.state import Item
from gatelocal.store.journal import Journal


@dataclass(frozen=True, slots=True)
class Question:
    """What is put into the line.

    :ivar pipeline: what the gate calls its only pipeline. :ivar keep: which node is kept, and for whom.
    """

    asked: Asked
    pipeline: str
    keep: Keep = field(default_factory=Keep)


@dataclass(frozen=True, slots=True)
class Ended:
    """What came out. :ivar item: as it left the line. :ivar hands: with what its builds have left."""

    item: Item
    hands: LocalHands


def through(tools: Tools, question: Question, make: Make) -> Ended:
    """Take a change through the line, from where a former process has come with it, if one has.

    :param make: merges it, and finds out what is to run.
    :raises InputError: the gate does not take it, somebody has taken it out, or another process is at it.
    :raises FormatError: what a former process has left cannot be understood. :raises KeyboardInterrupt: somebody has
        ended it.
    """
    asked, pipeline, folder = question.asked, question.pipeline, RunFolder(tools.logs)
    with folder.alone(), closing(Journal(folder.journal, lambda: initial(layout(asked, pipeline)))) as store:
        inbox = Inbox(_clock(store))
        line = Line(make, lambda known: layout(asked, pipeline, known.semaphores), folder, question.keep)
        hands = LocalHands(tools, inbox, line)
        with stopping.at_once(hands.kill):
            try:
                tools.builder.open()
                with stopping.waiting(lambda: inbox.interrupt(KeyboardInterrupt())):
                    return _through(tools, question, store, inbox, hands)
            finally:
                hands.end()
                tools.builder.close()


def _through(tools: Tools, question: Question, store: Journal, inbox: Inbox, hands: LocalHands) -> Ended:
    asked = question.asked
    left = [one for one in store.left if one.live]
    if any(isinstance(one, Dequeue) for one in store.log):
        raise InputError(f"the run {tools.logs.name} was ended by a person", hint="begin it anew")
    engine = Engine(store, hands, left=lambda item: left.extend([item] if item.live else []))
    try:
        if not store.log:
            engine.feed(Enqueue(inbox.now(), question.pipeline, asked.facts, asked.related))
        if not left and not engine.state.items:
            reason = engine.state.last.get(asked.facts.change)
            raise InputError(f"{asked.change.name} cannot be tested: {texts.sentence(reason) if reason else ''}")
        follow(engine, inbox, lambda: bool(left))
        hands.wait()
    except KeyboardInterrupt:
        tools.say("interrupted: builds are stopped and nodes returned; once more ends at once")
        with suppress(Exception):  # it may have come at any moment: what the gate leaves, the hands end
            Engine(store, hands).feed(Dequeue(inbox.now(), asked.facts.change))
        raise
    return Ended(left[0], hands)


def _clock(store: Journal) -> Callable[[], float]:
    """Seconds that go on where the last event was, whatever this machine's own clock has done since."""
    last, began = store.log[-1].at if store.log else 0.0, time.monotonic()
    return lambda: last + time.monotonic() - began
