"""A build of the make-believe world and the rule that decides how it ends; nothing happens here."""

from __future__ import annotations

from dataclasses import dataclass

from gatelocal.pipeline.actions import StartBuild
from gatelocal.pipeline.events import Event
from gatelocal.sim.workspaces import Workspace


@dataclass(frozen=True, slots=True)
class Rule:
    """How builds end. :ivar times: how many it decides; None without a limit."""

    job: str = ""
    pipeline: str = ""
    change: str = ""
    contains: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    times: int | None = None
    result: str = "SUCCESS"
    early: bool = False
    artifacts: tuple[str, ...] = ()
    children: tuple[str, ...] | None = None
    pause: bool = False


@dataclass(slots=True)
class Build:
    """A build that was started.

    :ivar change: what it is of, with its patchset. :ivar result: RUNNING until it has ended.
    :ivar doomed: it has said that it will fail. :ivar told: what whoever looks for it finds that it has come to.
    """

    id: int
    start: StartBuild
    change: str
    workspace: Workspace
    rule: Rule | None
    base: str | None
    due: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    result: str = "RUNNING"
    paused: bool = False
    resumed: bool = False
    doomed: bool = False
    told: Event | None = None

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self.result == "RUNNING"

    @property
    def may_be_lost(self) -> bool:
        """Whether it stays up for its children and is going to be lost before they have ended."""
        return self.up and self.paused and self.rule is not None and self.rule.result in ("LOST", "STOPPED")

    @property
    def releasable(self) -> bool:
        """Whether it may be ended from outside."""
        return self.up and not self.paused
