"""What each switch of a policy promises, alone and with others: every `expect` holds and no invariant is broken."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations
from pathlib import Path

import pytest

from gatelocal.engine.replay import replay
from gatelocal.pipeline.policies import Policy
from gatelocal.sim import chance, dice
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import read

FILES = sorted((Path(__file__).parent / "policies").glob("*.yaml"))
SWITCHES = tuple(field.name for field in fields(Policy))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_switch_keeps_its_promise(path: Path) -> None:
    game = play(read(path), keep_log=True)
    assert (game.failed, game.violations) == ([], [])
    assert replay(game.store.first, game.store.log) == game.state


def test_each_pair_of_switches_breaks_nothing() -> None:
    known = chance.layouts()
    for at, pair in enumerate([*((one,) for one in SWITCHES), *combinations(SWITCHES, 2), SWITCHES]):
        found = chance.tried(dice.world(f"pairs/{at}", dict.fromkeys(pair, True)), known, deep=False)
        assert not found.violations, (pair, found.violations)
