"""The history of builds as it is made: what a build's end tells of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gatelocal.model.deviation import Deviation
from gatelocal.model.happening import JobEnded
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.pipeline.actions import RequestNode
from gatelocal.server.ledger import Ledger
from gatelocal.store.builds import BuildRecord, Builds

ASKED = RequestNode(7, 1, 1, 0, "unit", "5", "gate", 3)


def test_what_stood_in_for_the_node_is_kept_with_the_build(tmp_path: Path) -> None:
    changed: list[BuildRecord] = []
    ledger = Ledger(Builds(f"sqlite:///{tmp_path / 'history.sqlite'}"), print, changed.append)
    ledger.asked(ASKED, None, None)
    result = BuildResult("unit", Outcome.FAILURE, 1.0, reason="no", deviations=(Deviation("node", "x for y"),))
    ledger.happened(3, JobEnded(job="unit", attempt=1, build=result))
    assert (changed[-1].reason, changed[-1].notes) == ("no", ("x for y",))
    ledger.happened(3, JobEnded(job="unit", attempt=1, build=replace(result, reason="yes", deviations=())))
    assert (changed[-1].reason, changed[-1].notes) == ("yes", ("x for y",)), "what nothing is said of stays"
