"""The way to the person at a terminal or behind a pipe: cleaned output, live relays, answers; it chooses no words."""

from __future__ import annotations

import os
import select
import sys

import click

from git_review.errors import ReviewError
from git_review.messages import clean

PATIENCE = 30.0
"""Seconds that an answer may take where standard input is no terminal: nobody may be there."""


class Terminal:
    """Standard output, error and input. Everything that is told is stripped of control characters first."""

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Tell something on standard output."""
        self.show(clean(text))

    def show(self, text: str) -> None:
        """Tell something that is clean already and may hold colors, which are kept."""
        click.echo(_encodable(text), color=True)

    def warn(self, text: str) -> None:
        """Tell something on standard error, after all that was told before."""
        sys.stdout.flush()
        click.echo(_encodable(clean(text)), err=True)

    def relay(self, piece: str) -> None:
        """Pass on another program's words; states of a progress display overwrite one another on a terminal."""
        ends_line = piece.endswith("\n")
        passing = piece.endswith("\r")
        if passing and not self.is_terminal:
            return
        click.echo(_encodable(clean(piece.rstrip("\r\n"))) + ("\n" if ends_line else "\r" if passing else ""), nl=False)
        sys.stdout.flush()

    def read(self, prompt: str) -> str | None:
        """The answer to a question; None when standard input is closed, at its end, or silent for too long."""
        click.echo(_encodable(clean(prompt)), nl=False)
        sys.stdout.flush()
        if sys.stdin is None or sys.stdin.closed:
            return None
        waiting = sys.stdin.isatty() or _comes()
        answer = sys.stdin.readline() if waiting else ""
        if not answer.endswith("\n"):
            click.echo("")
        return answer.rstrip("\n") if answer else None

    def complain(self, error: ReviewError) -> None:
        """Tell an error: brief, details, hint."""
        self.warn(error.brief)
        if error.details:
            self.warn("\n".join(f"    {line}" for line in error.details.strip().splitlines()))
        if error.hint:
            self.warn(f"Hint: {error.hint}")

    def abandon(self) -> None:
        """Nobody reads standard output any more: let the interpreter's last flush find nobody, too."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _comes() -> bool:
    try:
        return bool(select.select([sys.stdin], [], [], PATIENCE)[0])
    except (OSError, ValueError):
        return True


def _encodable(text: str) -> str:
    """What standard output's encoding cannot hold becomes a question mark, never an error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding, "replace")
