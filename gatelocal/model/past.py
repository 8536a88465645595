"""A run of before, or one that goes on elsewhere: what can be told of it afterwards; nothing is read here."""

from __future__ import annotations

from pathlib import Path

from gatelocal.model.record import dataclass
from gatelocal.model.run import RunResult

UNDER_WAY, BROKEN_OFF, NO_VERDICT, ENDED = "under way", "broken off", "no verdict", "ended"
RUNNING, LOST, WAITING = "running", "lost", "waiting"


@dataclass(frozen=True, slots=True)
class PastBuild:
    """One build.

    :ivar title: what it is called. :ivar folder: with all that was fetched. :ivar state: its outcome, or how far it is.
    """

    title: str
    folder: Path
    state: str


@dataclass(frozen=True, slots=True)
class Past:
    """One run.

    :ivar began: seconds since the epoch. :ivar state: the verdict, or why there is none.
    :ivar subject: the first line of what was tested; empty when that is not known.
    :ivar result: None when it has not come to one, or another version of this program wrote it.
    :ivar size: bytes on disk.
    """

    name: str
    folder: Path
    began: float
    state: str
    subject: str = ""
    result: RunResult | None = None
    builds: tuple[PastBuild, ...] = ()
    size: int = 0
