"""Follows a build by its folder, whoever has started it: what it says, how far it is, how it ends; and stops it."""

from __future__ import annotations

import codecs
import json
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatelocal import process
from gatelocal.builds import order as orders
from gatelocal.builds.folder import GIVEN, GO, PAUSED, PROCESS, PROGRESS, RESULT, RESUME, Final
from gatelocal.executor.record import shown
from gatelocal.launcher import place
from gatelocal.model.result import JOB_OUTPUT
from gatelocal.model.returned import Given, Returned
from gatelocal.ports import Say
from gatelocal.stopping import Stop, Stopped

GRACE = 60.0
"""Seconds that a build has to end and to return its node once it is asked to."""
_STEP = 0.02  # seconds between two looks
_CHUNK = 1 << 20
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ [|>] (.*)", re.DOTALL)


class Life(Protocol):
    """Whatever does a build's work."""

    def lives(self) -> bool:
        """Whether it still does."""

    def ask(self) -> None:
        """Ask it to end. Twice is harmless."""

    def kill(self) -> None:
        """End it at once, without its consent."""


@dataclass(frozen=True, slots=True)
class ProcessLife:
    """A process, which leads a process group of its own."""

    process: place.ProcessName

    def lives(self) -> bool:
        """See :class:`Life`."""
        return place.is_alive(self.process)

    def ask(self) -> None:
        """See :class:`Life`."""
        if self.lives():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """See :class:`Life`; its node's guard returns the node."""
        if self.lives():
            process.stop_by_pid(self.process.pid, grace=0)


def found(folder: Path) -> Life | None:
    """Who does a build's work, where that still lives."""
    with suppress(Exception):
        life = ProcessLife(orders.take(folder / PROCESS, place.ProcessName))
        return life if life.lives() else None
    return None


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of one build.

    :ivar say: what its slow steps say. :ivar output: the lines that its job prints. :ivar node: what its node is, once
        that is there. :ivar begun: that the job begins.
    """

    say: Say
    output: Say
    node: Say
    begun: Callable[[], None]


class Following:
    """A build that is followed.

    :param ears: is told what happens.
    :param known: what has happened so far is known to the person already.
    :ivar node: the node's description, once it is there. :ivar begun: whether the job has begun.
    """

    def __init__(self, folder: Path, life: Life | None, ears: Ears, *, known: bool = False) -> None:
        self.folder = folder
        self.node = ""
        self.begun = False
        self._life = life
        self._ears = _DEAF if known else ears
        self._progress = _Tail(folder / PROGRESS)
        self._log = _Tail(folder / JOB_OUTPUT)
        if known:
            self._read()
            self._ears = ears

    @property
    def lives(self) -> bool:
        """Whether somebody still does its work."""
        return self._life is not None and self._life.lives()

    @property
    def ordered(self) -> bool:
        """Whether the build was told to begin."""
        return (self.folder / GO).exists()

    def go(self, build: int, given: Given | None = None) -> None:
        """Let the build begin on its node. :param build: what the gate calls it. :raises OSError: no disk."""
        orders.put(self.folder / GIVEN, given or Given())
        (self.folder / GO).write_text(str(build))

    def paused(self) -> Returned | None:
        """What it gives to the jobs after it, once it waits for them.

        :raises InfrastructureError: that cannot be read.
        """
        if not (self.folder / PAUSED).exists():
            return None
        found: Returned = orders.take(self.folder / PAUSED, Returned)
        return found

    @property
    def resumed(self) -> bool:
        """Whether it was told to go on."""
        return (self.folder / RESUME).exists()

    def resume(self) -> None:
        """Let it go on. Twice is harmless. :raises OSError: no disk."""
        (self.folder / RESUME).touch(mode=0o600)

    def final(self) -> Final | None:
        """How it ended, where it has. :raises InfrastructureError: what it has left cannot be read."""
        if not (self.folder / RESULT).exists():
            return None
        final: Final = orders.take(self.folder / RESULT, Final)
        return final

    def until(self, wanted: Callable[[], object], stop: Stop, deadline: float) -> bool:
        """Follow it until that is so, or until it has ended.

        :param deadline: a reading of the monotonic clock. :returns: False when it has ended otherwise.
        :raises Stopped: its end was asked for, and it has ended. :raises TimeoutError: and so it was ended.
        """
        while True:
            lives = self.lives
            self._read()
            if wanted():
                return True
            if not lives:
                return False
            if stop.asked:
                self.end()
                raise Stopped
            if time.monotonic() > deadline:
                self.end()
                raise TimeoutError
            time.sleep(_STEP)

    def end(self) -> None:
        """Have it end, and wait until it has: politely first."""
        if self._life is not None:
            self._life.ask()
            deadline = time.monotonic() + GRACE
            while self.lives and time.monotonic() < deadline:
                self._read()
                time.sleep(_STEP)
            self._life.kill()

    def kill(self) -> None:
        """End it at once."""
        if self._life is not None:
            self._life.kill()

    def _read(self) -> None:
        for line in self._progress.lines():
            self._take(line)
        for line in self._log.lines():
            if stamped := _STAMPED.fullmatch(line):
                self._ears.output(shown(stamped[1]))

    def _take(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return  # torn, by a full disk
        match told:
            case {"say": str(words)}:
                self._ears.say(words)
            case {"node": str(description)}:
                self.node = description
                self._ears.node(description)
            case {"begun": True}:
                self.begun = True
                self._ears.begun()
            case _:
                pass


class _Tail:
    """The whole lines of a file that grows, each once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def lines(self) -> list[str]:
        """Those that have come since the last time."""
        if self._handle is None:
            try:
                self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:
                return []
        found: list[str] = []
        while chunk := os.read(self._handle, _CHUNK):
            *whole, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
            found += whole
        return found

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)


def _silent(*_: str) -> None:
    """Say nothing."""


_DEAF = Ears(_silent, _silent, _silent, _silent)
