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
from gatelocal.sim.scenario import read, understand

FILES = sorted((Path(__file__).parent / "policies").glob("*.yaml"))
SWITCHES = tuple(field.name for field in fields(Policy))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_switch_keeps_its_promise(path: Path) -> None:
    game = play(read(path), keep_log=True)
    assert (game.failed, game.violations) == ([], [])
    assert replay(game.store.first, game.store.log) == game.state


@pytest.mark.live
def test_each_pair_of_switches_breaks_nothing() -> None:
    known = chance.layouts()
    for at, pair in enumerate([*((one,) for one in SWITCHES), *combinations(SWITCHES, 2), SWITCHES]):
        found = chance.tried(dice.world(f"pairs/{at}", dict.fromkeys(pair, True)), known, deep=False)
        assert not found.violations, (pair, found.violations)


HALF = """
scenario: half a cycle has landed beside a queue
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: unit}
- queue: {name: ring, allow-circular-dependencies: true}
- project: {name: P, queue: ring, gate: {jobs: [unit]}}
- project: {name: Q, queue: ring, gate: {}}
policy: {urgent: true}
changes:
  A: {project: P}
  U: {project: P, depends_on: [V], urgent: true}
  V: {project: Q, depends_on: [U], submit: refused}
builds: {durations: {unit: 18m}}
steps:
- approve: [A, U, V]
- release: all
- expect: {landed: [U, A]}
"""


def test_those_beside_half_a_landed_cycle_are_tested_with_it(tmp_path: Path) -> None:
    game = play(understand(HALF, tmp_path))
    assert (game.failed, game.violations) == ([], ["only a part of a cycle landed: U without V"])
