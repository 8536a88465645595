"""The files of a build's folder beside its logs: how far it is, what it says, its end; both sides know them from here.

=================  ====================================================================================
build.json         what it is to do: :class:`gatelocal.builds.order.Order`
process.json       the process that does it
progress.jsonl     one line for each thing that has happened, in its order: :class:`Progress`
given.json         what the jobs before give to it: :class:`gatelocal.model.returned.Given`
go                 made by whoever gave the order: the node's build may begin
paused.json        made when it waits for the jobs after it: :class:`gatelocal.model.returned.Returned`
resume             made by whoever gave the order: it may go on
keep               made by whoever gave the order: its node is to be kept if it fails
claimed.json       the build has kept it: see :mod:`gatelocal.builds.claim`
result.json        how it ended: :class:`Final`; without one, the process was lost
=================  ====================================================================================
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from gatelocal.builds.order import NAME, put
from gatelocal.builds.refusal import Refusal
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Returned

PROCESS, PROGRESS, GO, RESULT, TROUBLE = "process.json", "progress.jsonl", "go", "result.json", "trouble.log"
GIVEN, PAUSED, RESUME = "given.json", "paused.json", "resume"
KEEP, CLAIMED = "keep", "claimed.json"
_RESERVE = ".reserve"
LOCK = ".lock"
OWN = frozenset((NAME, PROCESS, PROGRESS, GO, RESULT, TROUBLE, GIVEN, PAUSED, RESUME, KEEP, CLAIMED, LOCK, _RESERVE))
"""All of them: what else lies in a build's folder was fetched from its node."""

_ENOUGH = 1 << 14  # bytes that are kept free for the result of a build whose logs fill the disk
_WORDS = 2000  # characters of a reason that must fit into them


@dataclass(frozen=True, slots=True)
class Final:
    """How a build ended.

    :ivar refusal: why it could not begin or go on, where that is known as an error.
    :ivar mistake: the traceback of an error that nobody expected; empty when there was none.
    :ivar begun: whether the job itself had begun.
    """

    result: BuildResult
    refusal: Refusal | None = None
    mistake: str = ""
    begun: bool = False


class Progress:
    """What a build's process tells of itself, each line written whole and at once; a full disk costs lines alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle = os.open(folder / PROGRESS, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        reserve = os.open(folder / _RESERVE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):
                os.posix_fallocate(reserve, 0, _ENOUGH)
        finally:
            os.close(reserve)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
        (self._folder / _RESERVE).unlink(missing_ok=True)

    def say(self, line: str) -> None:
        """A slow step tells a person what it does."""
        self._write({"say": line})

    def node(self, description: str) -> None:
        """The node is there."""
        self._write({"node": description})

    def begun(self) -> None:
        """The job begins."""
        self._write({"begun": True})

    def paused(self, returned: Returned) -> None:
        """The job waits for the jobs after it. :raises OSError: no disk."""
        put(self._folder / PAUSED, returned)

    def end(self, final: Final) -> None:
        """Write the result. :raises OSError: there is no room even for a short one."""
        (self._folder / _RESERVE).unlink(missing_ok=True)
        try:
            put(self._folder / RESULT, final)
        except OSError:
            put(self._folder / RESULT, _short(final))

    def _write(self, what: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            os.write(self._handle, f"{json.dumps(what)}\n".encode())


def _short(final: Final) -> Final:
    """The same without what may be long."""
    one = final.result
    note = "the disk is full: what the result had to say of single tests is lost"
    outcome, reason = one.outcome, one.reason[:_WORDS]
    if outcome is Outcome.SUCCESS and one.returned != Returned():
        outcome, reason = Outcome.DISK_FULL, "the disk is full: what the job gives to others is lost"
    result = BuildResult(one.job, outcome, one.seconds, one.voting, (), reason, one.logs, notes=(note,))
    return Final(result, None, final.mistake[:_WORDS], final.begun)
