"""What differs between a run here and the gate's own, by a name that does not change; it judges nothing."""

from __future__ import annotations

from gatelocal.model.record import dataclass

PARTIAL = "partial"
"""The id of what says that a build ran less than all of its job."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One such thing. :ivar id: of its kind; the manual has them all. :ivar text: one sentence about this case."""

    id: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [{self.id}]"
