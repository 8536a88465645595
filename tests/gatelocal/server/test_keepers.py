"""Builds of many items: what is over gets no node, and nobody minds."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from gatelocal.engine.seats import Told
from gatelocal.engine.work import Tools
from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.server.keepers import Keepers
from gatelocal.stopping import Stop


def test_a_seat_that_comes_free_for_what_is_over_ends_without_a_node(tmp_path: Path) -> None:
    keepers = Keepers(cast(Tools, None), tmp_path / "lock", lambda *_: None, lambda _: None)
    keepers.over([30])
    request = RequestNode(31, 1, 1, 0, "unit", "5", "gate", 30)
    assert keepers.launch(request, Stop()) is False
    order = StartBuild(32, 1, 1, 0, "unit", "5", "ex/p", "gate", 30, 31, 1, False, True)
    assert keepers.build(order, Stop(), lambda _: None) == Told("LOST")
    keepers.resume(31)
    keepers.leave(31, Stop())
