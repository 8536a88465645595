"""What a run keeps beside its logs, so that it can be gone on with after any end: its files, and who is at it."""

from __future__ import annotations

import contextlib
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds import refusal
from gatelocal.builds.folder import GO
from gatelocal.builds.lease import holding, is_held
from gatelocal.builds.order import Order
from gatelocal.builds.refusal import Refusal
from gatelocal.engine.asked import Asked
from gatelocal.engine.request import GateRequest
from gatelocal.engine.work import Merged, Preparation, Work
from gatelocal.errors import GateError, InputError
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph
from gatelocal.model.recipe import Recipe
from gatelocal.model.run import RunResult
from gatelocal.model.text import plain
from gatelocal.stopping import Stopped

NAME = ".gate"
_REQUEST, _ASKED, _PREPARED, _FAILED = "request.json", "asked.json", "prepared.json", "failed.json"
_RESULT, _ENDED, _INTERRUPTED = "result.json", "ended", "interrupted"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run was asked, and when. :ivar at: seconds since the epoch."""

    request: GateRequest
    at: float


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A :class:`gatelocal.engine.work.Preparation` in a form that can be written. :ivar action: what asked for it."""

    action: int
    merged: Merged
    pipeline: str
    graphs: tuple[Graph, ...]
    works: tuple[tuple[str, str, Work], ...]
    lacking: tuple[tuple[str, str, Refusal], ...]
    recipe: Recipe
    not_run: tuple[Job, ...]
    notes: tuple[str, ...]
    unasked: int
    semaphores: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FoundBuild:
    """A build's folder of a former process. :ivar build: what the gate called the build; 0: it was not begun."""

    folder: Path
    order: Order
    build: int


class RunFolder:
    """The folder of one run's logs. :ivar path: it.

    :param gate: what is locked for as long as somebody is at it, where that is not a file of its own.
    """

    def __init__(self, path: Path, gate: Path | None = None) -> None:
        self.path = path
        self._own = path / NAME
        self._gate = gate

    @property
    def journal(self) -> Path:
        """Where the gate of this run keeps its events."""
        return self._own / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """What is locked for as long as somebody is at the run."""
        return self._gate or self._own / "lock"

    @property
    def claim(self) -> Path:
        """Says which node is kept: see :mod:`gatelocal.builds.claim`."""
        return self._own / "held"

    @property
    def is_one(self) -> bool:
        """Whether a run has begun there that can be gone on with."""
        return (self._own / _REQUEST).exists()

    @property
    def is_held(self) -> bool:
        """Whether somebody is at it."""
        return is_held(self.lock)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be at the run, and nobody else, for the block. :raises InputError: somebody else is."""
        self._make()
        try:
            with holding(self.lock):
                yield
        except BlockingIOError:
            raise InputError(
                f"another process is at the run {self.path.name}", hint="wait for its end, or end it first"
            ) from None

    def begin(self, begun: Begun) -> None:
        """Note what is asked."""
        self._make()
        orders.put(self._own / _REQUEST, begun)

    def begun(self) -> Begun:
        """What was asked. :raises InfrastructureError: it cannot be read."""
        found: Begun = orders.take(self._own / _REQUEST, Begun)
        return found

    def is_of(self, directory: Path) -> bool:
        """Whether it was begun in that folder."""
        with contextlib.suppress(GateError):
            return self.begun().request.directory.absolute() == directory.absolute()
        return False

    def keep_asked(self, asked: Asked) -> None:
        """Note what the source has said of it."""
        orders.put(self._own / _ASKED, asked)

    def asked(self) -> Asked | None:
        """What the source has said; None when it was not asked yet. :raises InfrastructureError: damaged."""
        found: Asked | None = orders.take(self._own / _ASKED, Asked) if (self._own / _ASKED).exists() else None
        return found

    def keep_prepared(self, action: int, found: Preparation) -> None:
        """Note what was merged and is to run, for the action that has asked for it."""
        self._make()
        saved = _Prepared(
            action,
            found.merged,
            found.pipeline,
            found.graphs,
            tuple((*key, work) for key, work in found.works.items()),
            tuple((*key, refusal.of(error)) for key, error in found.lacking.items()),
            found.recipe,
            found.not_run,
            found.notes,
            found.unasked,
            tuple(found.semaphores.items()),
        )
        orders.put(self._own / _PREPARED, saved)

    def prepared(self) -> tuple[int, Preparation] | None:
        """The same; None when it is not known yet. :raises InfrastructureError: it cannot be read."""
        if not (self._own / _PREPARED).exists():
            return None
        saved: _Prepared = orders.take(self._own / _PREPARED, _Prepared)
        found = Preparation(
            saved.merged,
            saved.pipeline,
            saved.graphs,
            {(change, job): work for change, job, work in saved.works},
            {(change, job): one.error for change, job, one in saved.lacking},
            saved.recipe,
            saved.not_run,
            saved.notes,
            saved.unasked,
            dict(saved.semaphores),
        )
        return saved.action, found

    def keep_failed(self, error: GateError) -> None:
        """Note why nothing could be prepared."""
        self._make()
        orders.put(self._own / _FAILED, refusal.of(error))

    def failed(self) -> GateError | None:
        """The same; None when nothing has failed."""
        if not (self._own / _FAILED).exists():
            return None
        found: Refusal = orders.take(self._own / _FAILED, Refusal)
        return found.error

    def builds(self) -> tuple[FoundBuild, ...]:
        """The builds of this run that there are already, the first attempt of each job before the next.

        :raises InfrastructureError: one of them cannot be read.
        """
        folders = [one.parent for one in self.path.glob(f"*/{orders.NAME}")]
        found = [FoundBuild(folder, orders.read(folder), _build(folder)) for folder in folders]
        return tuple(sorted(found, key=lambda one: (one.order.id, _number(one.folder.name))))

    def first_end(self) -> bool:
        """Whether the run has come to its end for the first time."""
        try:
            (self._own / _ENDED).touch(mode=0o600, exist_ok=False)
        except OSError:
            return False
        return True

    @property
    def has_ended(self) -> bool:
        """Whether it has come to its end."""
        return (self._own / _ENDED).exists()

    @property
    def ended_at(self) -> float:
        """When it did, in seconds since the epoch; for ever in the future, while it has not."""
        try:
            return (self._own / _ENDED).stat().st_mtime
        except OSError:
            return math.inf

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Note whether somebody ends the run within the block, as with Ctrl-C; else such a note is taken back."""
        mark = self._own / _INTERRUPTED
        mark.unlink(missing_ok=True)
        try:
            yield
        except (KeyboardInterrupt, Stopped):
            with contextlib.suppress(OSError):
                mark.touch(mode=0o600)
            raise

    @property
    def was_interrupted(self) -> bool:
        """Whether somebody has ended it."""
        return (self._own / _INTERRUPTED).exists()

    def keep_result(self, result: RunResult) -> None:
        """Note what came out. :raises OSError: no disk."""
        self._make()
        orders.put(self._own / _RESULT, result)

    def result(self) -> RunResult | None:
        """What came out; None when it has not come to that. :raises InfrastructureError: it cannot be read."""
        found: RunResult | None = (
            orders.take(self._own / _RESULT, RunResult) if (self._own / _RESULT).exists() else None
        )
        return found

    def forget(self) -> None:
        """Remove what is here for going on, where there is nothing else: the run never came to a build."""
        with contextlib.suppress(OSError):
            if [one.name for one in self.path.iterdir()] == [NAME]:
                shutil.rmtree(self._own)
            self.path.rmdir()

    def _make(self) -> None:
        self._own.mkdir(mode=0o700, parents=True, exist_ok=True)


def choose(runs: Path, name: str, directory: Path) -> RunFolder:
    """The run that is meant.

    :param name: its own, how it begins, or ``last``; empty: the latest one begun in `directory` that nobody is at.

    :raises InputError: there is none, or there are several.
    """
    folders = sorted((RunFolder(one) for one in runs.glob("*/")), key=lambda one: one.path.name, reverse=True)
    if name == "last" and folders:
        name = folders[0].path.name
    if name:
        meant = [one for one in folders if one.path.name == name] or [
            one for one in folders if one.path.name.startswith(name)
        ]
        if len(meant) != 1:
            several = "several runs begin with" if meant else "there is no run"
            raise InputError(f"{several} {plain(name)}", hint=f"the runs are the folders in {runs}")
        if not meant[0].is_one:
            raise InputError(
                f"the run {meant[0].path.name} has nothing to go on with",
                details="It came to no question, it was a replay, or another version of this program made it.",
                hint=f"its jobs can be run again: gatelocal replay {meant[0].path.name}",
            )
        return meant[0]
    for one in folders:
        if one.is_one and not one.is_held and one.is_of(directory):
            return one
    raise InputError("no run was begun here that nobody is at", hint=f"name one of the folders in {runs}")


def _number(name: str) -> int:
    found = re.search(r"~(\d+)$", name)
    return int(found[1]) if found else 1


def _build(folder: Path) -> int:
    try:
        return int((folder / GO).read_text())
    except (OSError, ValueError):
        return 0
