"""What the gate knows of a change on the review server, as frozen values; it asks nobody and judges nothing."""

from __future__ import annotations

from typing import NamedTuple

from gatelocal.model.record import dataclass


class Ref(NamedTuple):
    """One patchset of one change, or one state of a branch (then the change is ``project branch``)."""

    change: str
    patchset: int

    def __str__(self) -> str:
        return self.change if self.patchset == 1 else f"{self.change}.{self.patchset}"


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote that stands.

    :ivar at: when it was cast, in seconds of the engine's clock.
    :ivar serial: the server's own count of votes: a vote cast again has a greater one.
    """

    label: str
    value: int
    by: str
    at: float = 0.0
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """A change as the server last described it.

    :ivar parent: the patchset that is its git parent; None when that is part of the branch.
    :ivar depends_on: changes named in its footers, in their order.
    :ivar needed_by: changes that the server's search finds to need it: git children first.
    :ivar status: ``NEW``, ``MERGED`` or ``ABANDONED``; ``BRANCH`` for the state of a branch.
    :ivar missing: labels whose votes are not, or not any more, what a submit needs.
    :ivar said: how many of the change's messages the gate has been told as events; what comes after them is news.
    :ivar tip: of a branch, where it is.
    """

    change: str
    patchset: int
    project: str
    branch: str
    parent: Ref | None = None
    depends_on: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    status: str = "NEW"
    wip: bool = False
    votes: tuple[Vote, ...] = ()
    missing: tuple[str, ...] = ()
    urgent: bool = False
    said: int = 0
    tip: str = ""

    @property
    def ref(self) -> Ref:
        """Its current patchset."""
        return Ref(self.change, self.patchset)

    @property
    def is_branch(self) -> bool:
        """Whether it is the state of a branch and no change."""
        return self.status == "BRANCH"

    @property
    def needs(self) -> tuple[str, ...]:
        """The changes that it needs directly: its git parent, then its footers, each once."""
        if self.parent is None:
            return self.depends_on
        return tuple(dict.fromkeys((self.parent.change, *self.depends_on)))
