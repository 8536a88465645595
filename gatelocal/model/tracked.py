"""What a bug tracker is told of a change, and how projects are known there: frozen values, no rule."""

from __future__ import annotations

from gatelocal.model.record import dataclass

UPLOADED, MERGED, ABANDONED = "uploaded", "merged", "abandoned"


@dataclass(frozen=True, slots=True)
class Tracked:
    """How a project is known to the tracker.

    :ivar names: of what its bugs are filed against; none: the tracker is told nothing of it.
    :ivar delay_release: what lands on the main branch is committed, and released later.
    """

    names: tuple[str, ...]
    bugs: bool = True
    blueprints: bool = True
    delay_release: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Something that has happened to a change.

    :ivar kind: ``uploaded``, ``merged`` or ``abandoned``. :ivar url: where a person reads the change.
    :ivar server: the review server's address, with a slash at its end.
    :ivar message: the patchset's commit message. :ivar who: the name of whoever did it.
    :ivar account: who uploaded it, as the review server counts accounts; `email`: theirs, if it is shown.
    :ivar reason: why it was given up, in a person's words.
    """

    kind: str
    project: str
    branch: str
    number: int
    patchset: int
    commit: str
    url: str
    server: str
    message: str
    topic: str = ""
    who: str = ""
    account: int | None = None
    email: str = ""
    reason: str = ""

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.lstrip().partition("\n")[0].strip()
