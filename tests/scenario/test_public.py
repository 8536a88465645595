"""Scenario files of our own, each a rule of the gate: every `expect` in them holds and no invariant is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.engine.replay import replay
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import read

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scenario_holds_and_its_log_replays_to_the_same_state(path: Path) -> None:
    game = play(read(path), keep_log=True)
    assert (game.failed, game.violations) == ([], [])
    assert replay(game.store.first, game.store.log) == game.state
