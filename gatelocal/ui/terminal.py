"""Lines for a person: on standard error, with the time since the start, clean of what could move the cursor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from gatelocal.model.text import plain


@dataclass(slots=True)
class Terminal:
    """Where progress goes.

    :ivar out: a text stream, usually standard error.
    :ivar began: a reading of the monotonic clock, in seconds.
    :ivar above: takes the lines while something else stands at the terminal's foot.
    """

    out: TextIO
    began: float = field(default_factory=time.monotonic)
    above: Callable[[str], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def now(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.began

    def say(self, line: str) -> None:
        """One line of progress with the seconds since the start before it."""
        self._write(f"[{self.now:6.1f} s] {plain(line)}")

    def output(self, line: str) -> None:
        """One line of a job's own output."""
        self._write(f"  | {plain(line)}")

    def error(self, brief: str, details: str, hint: str) -> None:
        """A failure in full: what, the other side's own words, what to do next."""
        self._write(f"gatelocal: {plain(brief)}")
        for line in details.splitlines():
            self._write(f"    {plain(line)}")
        if hint:
            self._write(f"hint: {plain(hint)}")

    def _write(self, line: str) -> None:
        with self._lock:  # builds beside one another share the terminal: a line stays in one piece
            if self.above is not None:
                self.above(line)
                return
            self.out.write(line + "\n")
            self.out.flush()
