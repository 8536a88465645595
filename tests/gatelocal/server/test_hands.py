"""What the daemon's hands answer to the gate, of a server and a mirror that are set up here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.pipeline.actions import Look
from gatelocal.server.hands import GateHands

LOOK = Look(9, 1, 1, ("5",))
FACTS = Facts("5", 1, "acme/app", "main")


class Reader:
    """A server whose index has nothing: a change is found by its project alone."""

    def __init__(self, there: object) -> None:
        self.there = there
        self.asked: list[tuple[int, str]] = []

    def change(self, number: int, project: str = "") -> object:
        self.asked.append((number, project))
        return self.there if project else None

    def tips(self, project: str) -> dict[str, str]:
        return {"main": "c0ffee"}


class Mirror:
    def __init__(self, known: object) -> None:
        self.change = known
        self.lost: list[int] = []

    def take(self, change: object) -> None:
        self.change = change

    def known(self, number: int) -> object:
        return self.change

    def lose(self, number: int) -> None:
        self.lost.append(number)

    def facts(self, number: int) -> Facts | None:
        return FACTS if self.change is not None else None


def hands(reader: Reader, mirror: Mirror, known: dict[str, Facts], asked: int = LOOK.id) -> GateHands:
    found = GateHands.__new__(GateHands)
    crew: Any = SimpleNamespace(
        site=SimpleNamespace(reader=lambda: reader),
        watcher=SimpleNamespace(mirror=mirror),
        state=lambda: SimpleNamespace(changes=known, items={LOOK.item: SimpleNamespace(asked=asked)}),
    )
    found._crew = crew
    return found


def test_a_change_is_asked_for_by_its_project_too_whatever_the_index_has() -> None:
    reader = Reader("the change")
    told = hands(reader, Mirror(None), {"5": FACTS})._looked(LOOK)
    assert reader.asked == [(5, "acme/app")]
    assert (told.facts, told.tips) == ((FACTS,), (("acme/app", "main", "c0ffee"),))


def test_one_that_was_shown_and_is_not_any_more_is_given_up() -> None:
    mirror = Mirror("as it was")
    hands(Reader(None), mirror, {"5": FACTS})._looked(LOOK)
    assert mirror.lost == [5]


def test_one_that_this_process_has_never_seen_is_asked_for_again_later() -> None:
    mirror = Mirror(None)
    with pytest.raises(InfrastructureError, match="change 5 cannot be read"):
        hands(Reader(None), mirror, {"5": FACTS})._looked(LOOK)
    assert mirror.lost == []


@pytest.mark.parametrize("asked", [0, 10])
def test_what_nobody_waits_for_any_more_is_not_asked_for_again(asked: int) -> None:
    reader = Reader(None)
    told = hands(reader, Mirror(None), {"5": FACTS}, asked)._looked(LOOK)
    assert (told.action, told.facts, reader.asked) == (9, (), [])
