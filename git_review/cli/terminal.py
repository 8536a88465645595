"""The way to the person at a terminal or behind a pipe: cleaned output, live relays, answers; it chooses no words."""

from __future__ import annotations

import os
import select
import sys
from threading import Lock

from git_review.errors import ReviewError
from git_review.messages import clean

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import TextIO

PATIENCE = 5.0
"""Seconds that an answer may take where standard input is no terminal: nobody may be there."""


class Terminal:
    """Standard output, error and input. Everything that is told is stripped of control characters first.

    :param json: standard output is for one JSON document; all that is told goes to standard error.
    """

    def __init__(self, *, json: bool = False) -> None:
        self._json = json
        # The server is asked beside other things: what -v tells of both comes line by line.
        self._lock = Lock()

    @property
    def is_terminal(self) -> bool:
        """Whether what is told goes to a terminal."""
        return self._out.isatty()

    @property
    def width(self) -> int | None:
        """How many columns a line may have; None where nobody looks."""
        if not self.is_terminal:
            return None
        import shutil

        return max(20, shutil.get_terminal_size().columns)

    @property
    def _out(self) -> TextIO:
        return sys.stderr if self._json else sys.stdout

    def say(self, text: str) -> None:
        """Tell something on standard output."""
        self.show(clean(text))

    def show(self, text: str) -> None:
        """Tell something that is clean already and may hold colors, which are kept."""
        with self._lock:
            _write(self._out, f"{text}\n")

    def answer(self, text: str) -> None:
        """What was asked for, on standard output in any case."""
        _write(sys.stdout, f"{text}\n")

    def result(self, value: object) -> None:
        """What came of the run, as JSON on standard output, where that was asked for."""
        if self._json:
            import json

            # Escapes make control characters harmless; nothing else of the value is changed.
            _write(sys.stdout, f"{json.dumps(value, indent=2)}\n")

    def warn(self, text: str) -> None:
        """Tell something on standard error, after all that was told before."""
        sys.stdout.flush()
        _write(sys.stderr, f"{clean(text)}\n")

    def relay(self, piece: str) -> None:
        """Pass on another program's words; states of a progress display overwrite one another on a terminal."""
        ends_line = piece.endswith("\n")
        passing = piece.endswith("\r")
        if passing and not self.is_terminal:
            return
        end = "\n" if ends_line else "\r" if passing else ""
        _write(self._out, clean(piece.rstrip("\r\n")) + end)

    def read(self, prompt: str) -> str | None:
        """The answer to a question; None when standard input is closed, at its end, or silent for too long."""
        _write(self._out, clean(prompt))
        if sys.stdin is None or sys.stdin.closed:
            return None
        waiting = sys.stdin.isatty() or _comes()
        answer = sys.stdin.readline() if waiting else ""
        if not answer.endswith("\n"):
            _write(self._out, "\n")
        return answer.rstrip("\n") if answer else None

    def complain(self, error: ReviewError) -> None:
        """Tell an error: brief, details, hint; and as the JSON result where that was asked for."""
        self.warn(error.brief)
        if error.details:
            self.warn("\n".join(f"    {line}" for line in error.details.strip().splitlines()))
        if error.hint:
            self.warn(f"Hint: {error.hint}")
        told = {"brief": error.brief, "details": error.details, "hint": error.hint, "exit_code": error.exit_code}
        self.result({"error": {key: clean(value) if isinstance(value, str) else value for key, value in told.items()}})

    def abandon(self) -> None:
        """Nobody reads standard output any more: let the interpreter's last flush find nobody, too."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _comes() -> bool:
    try:
        return bool(select.select([sys.stdin], [], [], PATIENCE)[0])
    except (OSError, ValueError):
        return True


def _write(stream: TextIO, text: str) -> None:
    """Write at once; what the stream's encoding cannot hold becomes a question mark, never an error.

    A console of Windows has to be told that it gets colors, which click knows how to do.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding, "replace")
    if os.name == "nt":
        import click

        return click.echo(text, file=stream, nl=False, color=True)
    stream.write(text)
    stream.flush()
