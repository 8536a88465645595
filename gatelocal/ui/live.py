"""The board of a run at the foot of a terminal, below the lines that go by; gone when the run is over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gatelocal.model.result import Outcome
from gatelocal.model.text import plain
from gatelocal.reporter.board import MADE, RUNS, WAITS, Board, Row
from gatelocal.reporter.summary import elapsed
from gatelocal.ui.terminal import Terminal

_PER_SECOND = 4
_JOB, _TIME = 40, 12  # characters
_COLOURS = {Outcome.SUCCESS.value: "green", RUNS: "cyan", Outcome.FAILURE.value: "red", Outcome.TIMED_OUT.value: "red"}


class LiveBoard:
    """Shows a board for as long as it is entered; whatever the terminal says meanwhile goes by above it."""

    def __init__(self, terminal: Terminal, board: Board, environment: Mapping[str, str] = os.environ) -> None:
        self._terminal = terminal
        self._board = board
        self._console = Console(
            file=terminal.out, highlight=False, markup=False, emoji=False, _environ=dict(environment)
        )
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveBoard:
        self._live.start()
        self._terminal.above = self._above
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminal.above = None
        self._live.stop()

    def _above(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _drawn(self) -> Group:
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, max_width=_JOB)
        table.add_column(no_wrap=True, min_width=max(map(len, (MADE, Outcome.TIMED_OUT.value))))
        table.add_column(no_wrap=True, min_width=_TIME)
        table.add_column(no_wrap=True, ratio=1)
        for row in self._board.shown():
            colour = _COLOURS.get(row.state, "yellow")
            table.add_row(Text(plain(row.job)), Text(row.state, colour), Text(self._time(row)), Text(plain(row.text)))
        return Group(table, Text(self._board.summed(), "bold"))

    def _time(self, row: Row) -> str:
        if row.state == WAITS or row.ended:
            return ""
        usual = f" of ~{elapsed(row.usual)}" if row.usual is not None and row.state == RUNS else ""
        return f"{elapsed(self._terminal.now - row.since)}{usual}"
