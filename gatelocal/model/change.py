"""A change and its patchset, wherever it comes from: a Gerrit, or a commit in somebody's work tree."""

from __future__ import annotations

from enum import Enum

from gatelocal.model.record import dataclass


class ChangeStatus(Enum):
    """Where a change stands; the names are Gerrit's, LOCAL is a commit that no server has seen."""

    NEW = "NEW"
    MERGED = "MERGED"
    ABANDONED = "ABANDONED"
    LOCAL = "LOCAL"


@dataclass(frozen=True, slots=True)
class Change:
    """One patchset of one change.

    :ivar project: the project's name on its server, such as ``openstack/nova``.
    :ivar branch: the target branch without ``refs/heads/``.
    :ivar commit: the patchset's commit id (40 or 64 hex digits).
    :ivar message: the whole commit message.
    :ivar number: Gerrit's change number; None for a local commit.
    :ivar patchset: its patchset number; None for a local commit.
    :ivar ref: where the server keeps it (``refs/changes/34/1234/5``); None for a local commit.
    :ivar url: where a person reads it; None for a local commit.
    """

    project: str
    branch: str
    commit: str
    message: str
    status: ChangeStatus = ChangeStatus.LOCAL
    change_id: str | None = None
    number: int | None = None
    patchset: int | None = None
    ref: str | None = None
    url: str | None = None

    @property
    def landed(self) -> bool:
        """Whether it is no change at all: a commit of somebody's repository that its branch has already."""
        return self.number is None and self.status is ChangeStatus.MERGED

    @property
    def subject(self) -> str:
        """The first line of the commit message."""
        return self.message.partition("\n")[0]

    @property
    def name(self) -> str:
        """How a person is told of it: ``openstack/nova 1234,5``, or the project and an abbreviated commit id."""
        if self.number is None:
            return f"{self.project} {self.commit[:10]}"
        return f"{self.project} {self.number},{self.patchset}"
