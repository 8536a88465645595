"""Two queues become one while a change of one of them is being submitted, and the answer to that comes afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.model.record import replace
from gatelocal.pipeline.decide import decide
from gatelocal.pipeline.events import Reloaded, Submitted
from gatelocal.pipeline.invariants import broken
from gatelocal.pipeline.state import Item, Stage, State
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import read

FILE = Path(__file__).parents[2] / "scenario" / "scenarios" / "reload-into-one-queue-during-a-submit.yaml"


def played(steps: int) -> State:
    """After so many steps: two without the reload, three with it."""
    scenario = read(FILE)
    game = begin(scenario)
    for step in scenario.steps[:steps]:
        take(game, step)
    return game.state


def item(state: State, change: str) -> Item:
    (number,) = state.where[change]
    return state.items[number]


def forged(state: State, one: Item) -> State:
    return replace(state, items=state.items.changed({one.id: one}))


@pytest.mark.parametrize(("tip", "begins_anew"), [("1", False), ("0", True)])
def test_whose_workspace_has_the_branch_from_before_the_landing_begins_anew(tip: str, begins_anew: bool) -> None:
    state = played(3)
    landing, known, behind = item(state, "L"), item(state, "K"), item(state, "N")
    assert landing.stage is Stage.LANDING
    assert behind.stage is Stage.TESTED
    bases = (("W", "master", tip), ("V", "master", "0"))
    state = forged(state, replace(behind, bases=bases))
    after, _ = decide(state, Submitted(0.0, 0, landing.id, landing.changes[0], "ok", before="0", tip="1"))
    assert item(after, "K") == known
    assert (item(after, "N").generation > behind.generation) is begins_anew


def test_it_is_a_violation_when_another_item_stands_for_what_is_being_submitted() -> None:
    state = played(2)
    landing, other = item(state, "L"), item(state, "K")
    items, where = state.items.changed({landing.id: None}), state.where.changed({"L": (other.id,)})
    found = broken(state, Reloaded(0.0, state.layout), replace(state, items=items, where=where), (), (landing.id,))
    assert f"item {other.id} stands for L, which item {landing.id} has submitted without an answer" in found
