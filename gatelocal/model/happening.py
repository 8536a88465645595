"""What a run tells while it goes on, as frozen values: for programs that follow it, and for whoever shows it.

They are part of the library's contract: a later version may add kinds and fields, and takes none away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from gatelocal.model.change import Change
from gatelocal.model.record import dataclass
from gatelocal.model.result import BuildResult
from gatelocal.model.run import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Any of them. :ivar at: seconds since the run began, or was gone on with."""

    event: ClassVar[str] = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Happening):
    """A slow step says what it does. :ivar job: the title of the build that it is part of; empty: of none."""

    event: ClassVar[str] = "progress"
    text: str
    job: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKnown(Happening):
    """The change that is tested. :ivar change: as the run found it."""

    event: ClassVar[str] = "change"
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(Happening):
    """What the change becomes on its branch, with all that it needs.

    :ivar commit: the speculative commit. :ivar changes: all that was merged, in that order, by their names for people.
    """

    event: ClassVar[str] = "merged"
    project: str
    branch: str
    commit: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsKnown(Happening):
    """The jobs that will run. :ivar jobs: their titles. :ivar width: how many run at the same time, at most."""

    event: ClassVar[str] = "jobs"
    pipeline: str
    jobs: tuple[str, ...]
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReady(Happening):
    """A build has its node. :ivar attempt: counted from 1. :ivar node: which kind, for people."""

    event: ClassVar[str] = "node"
    job: str
    attempt: int
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(Happening):
    """A build begins on its node. :ivar logs: the folder that receives all that it leaves."""

    event: ClassVar[str] = "job-started"
    job: str
    attempt: int
    logs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Happening):
    """A line that a job has printed, safe for a terminal."""

    event: ClassVar[str] = "output"
    job: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(Happening):
    """A build has ended, or could not begin; the job may be tried again. :ivar build: how."""

    event: ClassVar[str] = "job-ended"
    job: str
    attempt: int
    build: BuildResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Happening):
    """The last one. :ivar result: what came out."""

    event: ClassVar[str] = "run-ended"
    result: RunResult


Watch = Callable[[Happening], None]
"""Is told of each, in order; from several threads, one at a time."""


def simple_fields(one: Happening) -> dict[str, object]:
    """The fields that are text, numbers or lists of text, by name."""
    from dataclasses import fields  # not with this module: it loads what most that import this do without

    found = {each.name: getattr(one, each.name) for each in fields(one)}
    return {name: value for name, value in found.items() if isinstance(value, str | int | float | tuple)}
