"""Which of a run's builds keeps its node: the first voting one that fails, else under `always` the last that ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.builds.claim import claim
from gatelocal.model.hold import Hold
from gatelocal.model.result import BuildResult, Outcome

GOOD, BAD, TIMED_OUT, LOST = Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMED_OUT, Outcome.NODE_FAILURE


def claims(path: Path, hold: Hold, *ends: tuple[Outcome, bool]) -> list[str | None]:
    """What each of the builds is told, which have the nodes 0, 1, ... and end in this order."""
    return [claim(path, str(at), BuildResult("j", one, 1.0, voting), hold) for at, (one, voting) in enumerate(ends)]


@pytest.mark.parametrize(
    ("hold", "ends", "told"),
    [
        (Hold.NEVER, [(BAD, True)], [None]),
        (Hold.FAILURE, [(GOOD, True), (BAD, False), (BAD, True), (BAD, True)], [None, None, "", None]),
        (Hold.FAILURE, [(LOST, True), (Outcome.ERROR, True), (TIMED_OUT, True)], [None, None, ""]),
        (Hold.ALWAYS, [(GOOD, True), (GOOD, True), (BAD, False)], ["", "0", "1"]),
        (Hold.ALWAYS, [(GOOD, True), (BAD, True), (BAD, True), (GOOD, True)], ["", "0", None, None]),
        (Hold.ALWAYS, [(LOST, True), (GOOD, True), (LOST, True)], [None, "", None]),
    ],
)
def test_one_node_and_the_right_one(
    tmp_path: Path, hold: Hold, ends: list[tuple[Outcome, bool]], told: list[str | None]
) -> None:
    assert claims(tmp_path / "claim", hold, *ends) == told


def test_a_torn_claim_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "claim").write_text('{"node": "x", "fai')
    assert claims(tmp_path / "claim", Hold.FAILURE, (BAD, True), (BAD, True)) == ["", None]
