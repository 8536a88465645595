"""What differs between a run here and the gate's own, by a name that does not change; it judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from gatelocal.model.record import dataclass

PARTIAL = "partial"
"""The id of what says that a build ran less than all of its job."""
WARM = "warm"
"""The id of what says that a build went on from what another one had prepared."""
NODE = "node"
"""The id of what says that another kind of node stood in for the one that the job names."""


class Grade(Enum):
    """How near a build here is to the gate's own, the nearest first."""

    EXACT = "exact"
    SUBSTITUTED = "substituted"
    """All of the job ran, but something of it, or what it ran on, was not what the gate has."""
    ACCELERATED = "accelerated"
    """The same, and it did not begin with nothing."""
    PARTIAL = "partial"
    """It ran less than all of the job: its pass is none of the gate's."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One such thing. :ivar id: of its kind; the manual has them all. :ivar text: one sentence about this case."""

    id: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [{self.id}]"


def graded(deviations: Iterable[Deviation]) -> Grade:
    """What they come to."""
    ids = {one.id for one in deviations}
    if PARTIAL in ids:
        return Grade.PARTIAL
    if WARM in ids:
        return Grade.ACCELERATED
    return Grade.SUBSTITUTED if ids else Grade.EXACT
