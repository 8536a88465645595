"""A build as it is remembered: what was tested, what came out, and what was thought of it."""

from __future__ import annotations

from gatelocal.model.record import dataclass

PARTIAL = "PARTIAL"
"""The outcome of a build that passed and ran only some of its tests: it is no pass of its job."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One build.

    :ivar id: its run's name and its folder's. :ivar at: its end, in seconds since the epoch.
    :ivar change: without the patchset. :ivar tree: a digest of all that was tested: equal for equal trees alone; empty
        where that is not known. :ivar base: the commit of the branch without the change.
    :ivar alone: the branch itself was tested, without a change.
    :ivar failed: names of tests; `passed`: those that passed. :ivar hits: bug → events.
    """

    id: str
    at: float
    project: str
    branch: str
    job: str
    outcome: str
    change: str = ""
    seconds: float = 0.0
    voting: bool = True
    tree: str = ""
    base: str = ""
    alone: bool = False
    node: str = ""
    cause: str = ""
    sure: str = ""
    because: str = ""
    failed: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    hits: tuple[tuple[str, int], ...] = ()
