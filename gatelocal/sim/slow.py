"""Answers of the make-believe hands that wait until they are released; what is in an answer is not known here."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.record import dataclass
from gatelocal.pipeline.actions import (
    Action,
    CancelBuild,
    Look,
    Prepare,
    ReadServer,
    Report,
    RequestNode,
    StartBuild,
    Submit,
)
from gatelocal.pipeline.events import Event
from gatelocal.sim.lined import Value

Slow = Prepare | Look | Submit | ReadServer

SLOW: Mapping[type[Action], str] = {Prepare: "merge", Look: "look", Submit: "submit", ReadServer: "read"}
"""Action → its name in ``answers``: the work of the engine's own process, which nothing is left of when that dies."""

WORK = ("first", "last")
"""Whether what is asked for is done at once and the answer waits, or is not done before the answer is released."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer that waits. :ivar answer: None when the work is not done yet."""

    action: Slow
    answer: Event | None

    def fits(self, wanted: Mapping[str, str]) -> bool:
        """Whether a selector (see :func:`selected`) means it."""
        if wanted.get("action", SLOW[type(self.action)]) != SLOW[type(self.action)]:
            return False
        return "change" not in wanted or wanted["change"] in _names(self.action)


FAILING: Mapping[type[Action], str] = {
    **SLOW,
    RequestNode: "request_node",
    StartBuild: "start_build",
    CancelBuild: "cancel_build",
    Report: "report",
}
"""Action → its name in ``failing``: what a hand may fail at, so that it is tried again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One time that a hand fails. :ivar done: whether what was asked for is done all the same."""

    action: str
    done: bool


def failures(value: Value) -> list[Failure]:
    """The next times that hands fail, in the order in which they are said; ``none`` means that none does any more.

    :raises ScenarioError: the value is neither that nor ``{ACTION: TIMES, work: first or last}``.
    """
    if not value.is_mapping():
        value.choice("none")
        return []
    given = value.mapping((*FAILING.values(), "work"))
    done = "work" in given and given["work"].choice(*WORK) == "first"
    return [Failure(name, done) for name, one in given.items() if name != "work" for _ in range(one.whole(1))]


def _names(action: Slow) -> tuple[str, ...]:
    """The changes that an action is about, with and without their patchsets where it is about those."""
    match action:
        case Prepare():
            refs = action.changes[len(action.changes) - action.own :]
        case Submit():
            refs = (action.ref,)
        case Look():
            return action.changes
        case ReadServer():
            return ()
    return (*(ref.change for ref in refs), *map(str, refs))


def held(value: Value) -> dict[str, bool]:
    """Which answers are to wait: name of the action → whether the work comes last.

    :raises ScenarioError: the value is neither ``hold`` nor ``{hold: ACTIONS, work: first or last}``.
    """
    if not value.is_mapping():
        value.choice("hold")
        return dict.fromkeys(SLOW.values(), False)
    given = value.mapping(("hold", "work"), ("hold",))
    late = "work" in given and given["work"].choice(*WORK) == "last"
    return {one.choice(*SLOW.values()): late for one in given["hold"].one_or_many()}


def selected(value: Value) -> dict[str, str]:
    """Which waiting answers are meant: ``action``, ``change``, both optional. :raises ScenarioError: it is no such."""
    given = value.mapping(("action", "change"))
    if "action" in given:
        given["action"].choice(*SLOW.values())
    return {key: one.text() for key, one in given.items()}
