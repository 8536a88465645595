"""One line for any change, in or out of a queue, under any policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.pipeline import explain
from gatelocal.sim import chance, dice
from gatelocal.sim.chance import root_of
from gatelocal.sim.lined import ScenarioError, lined
from gatelocal.sim.output import reasons
from gatelocal.sim.runner import begin, take
from gatelocal.sim.scenario import of_values
from gatelocal.sim.steps import step_of

KNOWN = chance.layouts()


@pytest.mark.parametrize("number", range(12))
def test_every_change_has_a_line_after_every_step(number: int) -> None:
    world = dice.world(f"why/{number}")
    game = begin(of_values(lined({**world, "steps": []}), Path(), None, KNOWN))
    for step in world["steps"]:
        try:
            take(game, step_of(root_of(step), frozenset(world["changes"])))
        except ScenarioError:
            continue
        for change, line in reasons(game.world, game.state).items():
            assert line.strip(), change
            assert "\n" not in line


def test_an_unknown_change_is_told_so() -> None:
    game = begin(of_values(lined({**dice.world("a"), "steps": []}), Path(), None, KNOWN))
    assert explain.why(game.state, "Z") == "change Z is not known"
