"""Lines for a person: on standard error, with the time since the start, clean of what could move the cursor."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass, field
from typing import TextIO


def clean(text: str) -> str:
    """The text without control and format characters; tabs become blanks.

    Subjects, names and log lines come from elsewhere; an escape sequence in one must not reach a terminal
    (nor a bidirectional override, which would show a line as something else).
    """
    return "".join(" " if char == "\t" else char for char in text if char == "\t" or not _is_control(char))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(slots=True)
class Terminal:
    """Where progress goes.

    :ivar out: a text stream, usually standard error.
    :ivar began: a reading of the monotonic clock, in seconds.
    """

    out: TextIO
    began: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        """One line of progress with the seconds since the start before it."""
        self._write(f"[{time.monotonic() - self.began:6.1f} s] {clean(line)}")

    def output(self, line: str) -> None:
        """One line of a job's own output."""
        self._write(f"  | {clean(line)}")

    def error(self, brief: str, details: str, hint: str) -> None:
        """A failure in full: what, the other side's own words, what to do next."""
        self._write(f"gatelocal: {clean(brief)}")
        for line in details.splitlines():
            self._write(f"    {clean(line)}")
        if hint:
            self._write(f"hint: {clean(hint)}")

    def _write(self, line: str) -> None:
        self.out.write(line + "\n")
        self.out.flush()
