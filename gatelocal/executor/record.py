"""The record of a build's output: live for a person, with times in ``job-output.txt``; it interprets nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from gatelocal.model.result import JOB_OUTPUT as NAME
from gatelocal.model.text import plain
from gatelocal.ports import Say

SHOWN = 2000
"""Characters of a line that a person is shown; the file has more of it."""
LARGEST = 1 << 30
"""Bytes that the file takes; a job that prints without end does not fill this machine's disk."""


def now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


def shown(text: str) -> str:
    """A line as a person is shown it."""
    more = len(text) - SHOWN
    return f"{text[:SHOWN]} ... ({more} more characters)" if more > 0 else text


class Record:
    """An open ``job-output.txt`` and the person who watches.

    What a job prints stands behind ``|``, what we say of it behind ``>``: no job can write a line of ours. A full disk
    costs the lines that do not fit, never the build; the person is told once.

    :ivar lost: that lines are missing, and why; empty when none is.
    :param folder: an existing folder that receives the file; it is readable by its owner alone.
    """

    def __init__(self, folder: Path, say: Say, clock: Callable[[], datetime] = now) -> None:
        self._say = say
        self._clock = clock
        self._handle = os.open(
            folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        self._left = LARGEST
        self._lock = threading.Lock()
        self._torn = False
        self.lost = ""

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def line(self, text: str) -> None:
        """One line of the build's output; what a terminal would obey is taken out."""
        self._write("|", plain(text))

    def note(self, text: str) -> None:
        """One line of our own about the build."""
        self._write(">", plain(text))

    def _write(self, sign: str, text: str) -> None:
        with self._lock:  # what is told of tests comes from a thread of its own
            self._keep(f"{self._clock():%Y-%m-%d %H:%M:%S.%f} {sign} {text}\n".encode("utf-8", "replace"))
            self._say(shown(text))

    def _keep(self, line: bytes) -> None:
        if len(line) > self._left:
            self._lost(f"it has more than {LARGEST} bytes")
            return
        whole = b"\n" + line if self._torn else line
        try:
            written = os.write(self._handle, whole)
        except OSError as error:
            self._lost(error.strerror or str(error))
            return
        self._left -= written
        self._torn = not whole[:written].endswith(b"\n")
        if written < len(whole):
            self._lost("the disk is full")

    def _lost(self, why: str) -> None:
        if not self.lost:
            self.lost = f"lines are missing in {NAME}: {why}"
            self._say(self.lost)
