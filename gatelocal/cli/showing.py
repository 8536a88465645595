"""What somebody sees of a run while it goes on: lines, at a terminal a board under them, or events for a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from gatelocal.config.directories import directories
from gatelocal.model.happening import Happening, Watch
from gatelocal.reporter import machine
from gatelocal.reporter.lines import Lines
from gatelocal.ui.terminal import Terminal


@contextmanager
def shown(terminal: Terminal, *, quiet: bool, events: bool) -> Iterator[Watch]:
    """Shows a person what happens, and prints it for a program; a terminal has a board at its foot meanwhile."""
    readers: list[Watch] = [Lines(terminal.say, _silent if quiet else terminal.output)]
    if events:
        readers.append(lambda one: click.echo(json.dumps(machine.happening(one))))

    def watch(one: Happening) -> None:
        for reader in readers:
            reader(one)

    if events or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield watch
        return
    from gatelocal.reporter.board import Board
    from gatelocal.ui.live import LiveBoard

    board = Board(lambda: terminal.now, _usual)
    readers.append(board)
    with LiveBoard(terminal, board):
        yield watch


def _usual(project: str) -> Mapping[str, float]:
    """How many seconds each job of the project usually takes here."""
    from gatelocal.config import history_file
    from gatelocal.results.history import records, usual

    known = usual(records(history_file.read(directories(os.environ).history)), project)
    return {job: one.seconds for job, one in known.items()}


def _silent(_: str) -> None:
    """Show nothing."""
