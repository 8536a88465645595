"""A submit is marked as late unless it is carried out when it is wanted, and for the first time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.pipeline.actions import Action, Submit
from gatelocal.pipeline.events import Event
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import understand
from gatelocal.sim.world import World

TEXT = """
scenario: submits
layout:
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: unit}
- project: {name: P, gate: {jobs: [unit]}}
changes: {A: {project: P}}
steps:
"""


@pytest.mark.parametrize(
    ("steps", "late"),
    [
        ("- approve: A", [False]),
        ("- failing: {report: 1}\n- approve: A\n- advance: 1s", [True, False]),
        ("- failing: {submit: 1}\n- approve: A\n- advance: 1s", [False, True, False]),
        ("- failing: {submit: 1, work: first}\n- approve: A\n- advance: 1s", [False, True]),
        ("- answers: {hold: submit, work: last}\n- approve: A\n- crash: now\n- answers: release", [False, True, False]),
        ("- answers: {hold: submit}\n- approve: A\n- crash: now\n- answers: release", [False, True]),
    ],
)
def test_what_was_not_carried_out_at_once_is_late(
    steps: str, late: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    carry_out = World.carry_out

    def noted(self: World, action: Action) -> Event | None:
        if isinstance(action, Submit):
            seen.append(action.late)
        return carry_out(self, action)

    monkeypatch.setattr(World, "carry_out", noted)
    game = play(understand(TEXT + steps + "\n- expect: {landed: [A]}\n", Path()))
    assert (seen, game.failed, game.violations) == (late, [], [])
