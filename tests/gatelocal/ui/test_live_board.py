"""The board at the foot of a terminal, drawn into a text; and by the real command in a terminal of its own."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatelocal.model.happening import JobsKnown, JobStarted, Output
from gatelocal.reporter.board import Board
from gatelocal.ui.live import LiveBoard
from gatelocal.ui.terminal import Terminal

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_lines_go_by_above_the_board_and_the_board_goes_with_the_run() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    board = Board(lambda: terminal.now, lambda project: {})
    with LiveBoard(terminal, board, {"TERM": "xterm", "FORCE_COLOR": "1", "COLUMNS": "80", "LINES": "24"}):
        board(JobsKnown(pipeline="gate", jobs=("unit", "[red]x[/red]"), width=2))
        board(JobStarted(job="[red]x[/red]", attempt=1, logs="/x"))
        board(Output(job="[red]x[/red]", line="\x1b[2J:smile: [bold]"))
        terminal.output("a long line " * 20)
        time.sleep(0.6)
    terminal.say("afterwards")
    said = out.getvalue()
    words = _CODES.sub("", said)
    assert "  | " + ("a long line " * 20).rstrip() in words, "it is not broken by us"
    assert "[red]x[/red]" in words and ":smile: [bold]" in words and "\x1b[2J" not in said
    assert "2 jobs: 1 under way, 1 waiting" in words
    assert said.rstrip().endswith("afterwards")
    shown = said.rpartition("\x1b[?25h")
    assert shown[0] and "under way" not in shown[2], "the cursor is back, and nothing of the board is left"


GATE = "jobs:\n  unit: echo first; sleep 1; echo second\n"


@pytest.mark.live
@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_run_in_a_terminal(tmp_path: Path, term: str, drawn: bool) -> None:
    tree = tmp_path / "app"
    tree.mkdir()
    (tree / "gatelocal.yaml").write_text(GATE)
    commit = ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "Gate"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], commit):
        subprocess.run(["git", *words], cwd=tree, check=True)
    ours, theirs = pty.openpty()
    own = {"GATELOCAL_STATE": str(tmp_path / "state"), "GATELOCAL_CACHE": str(tmp_path / "cache"), "TERM": term}
    command = [Path(sys.executable).parent / "gatelocal", "run", "--node", "local", "--hold=never"]
    child = subprocess.Popen(
        command, cwd=tree, env={**os.environ, **own}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    said = bytearray()
    try:
        while data := os.read(ours, 1 << 16):
            said += data
    except OSError:
        pass  # its other end is closed
    finally:
        os.close(ours)
    stdout, _ = child.communicate(timeout=60)
    assert child.returncode == 0, stdout
    assert (b"1 job: 1 under way" in said) is drawn
    assert (b"\x1b" in said) is drawn
    assert said.find(b"| first") < said.find(b"| second"), "what the job prints is there in both"
    assert stdout.decode().splitlines()[-1].startswith("PASS: ")
    assert said.rfind(b"\x1b[?25h") >= said.rfind(b"\x1b[?25l"), "the cursor is shown in the end"
