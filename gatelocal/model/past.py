"""A run of before, or one that goes on elsewhere: what can be told of it afterwards; nothing is read here."""

from __future__ import annotations

from pathlib import Path

from gatelocal.model.record import dataclass
from gatelocal.model.run import RunResult

UNDER_WAY, BROKEN_OFF, NO_VERDICT, ENDED = "under way", "broken off", "no verdict", "ended"
INTERRUPTED = "interrupted"
RUNNING, LOST, WAITING = "running", "lost", "waiting"


@dataclass(frozen=True, slots=True)
class PastBuild:
    """One build.

    :ivar title: what it is called. :ivar folder: with all that was fetched. :ivar state: its outcome, or how far it is.
    :ivar ordered: when its node was asked for, in seconds since the epoch. :ivar begun: when the node was there and the
        job could begin. :ivar ended: when its result stood. Each is 0 as long as it is not known.
    """

    title: str
    folder: Path
    state: str
    ordered: float = 0.0
    begun: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a log.

    :ivar first: the number of the first of them, from 1. :ivar mark: that of the one that is meant; 0: none.
    """

    first: int
    lines: tuple[str, ...]
    mark: int = 0


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
