"""A process that is killed in the middle of a commit, or of a snapshot, leaves all of it or nothing of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.engine.replay import replay
from gatelocal.store import load, write
from gatelocal.store.codec import Layouts, encode, to_text
from gatelocal.store.sql import open_file

pytestmark = pytest.mark.live  # more seconds than the fast suite has

TESTS = Path(__file__).parents[2]

CHILD = """
import os, re, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from sqlalchemy import event
from sqlalchemy.engine import Engine
from contract.endless import run
from gatelocal.store import sql
sql.SNAPSHOT_EVERY = 20
commits = 0

def executed(connection, cursor, statement, parameters, context, executemany):
    global commits
    commits += statement.startswith("INSERT INTO events")
    if commits >= {commits} and re.match({statement!r}, statement):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", executed)
run({database!r})
"""


def killed(database: Path, statement: str, commits: int) -> int:
    """Have a gate killed right after a statement of that commit or a later one; how many commits had ended by then."""
    code = CHILD.format(tests=str(TESTS), database=f"sqlite:///{database}", statement=statement, commits=commits)
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert found.returncode == -signal.SIGKILL, found.stderr
    return int(json.loads(found.stdout.splitlines()[-1])["events"])


def rare(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.live)


@pytest.mark.parametrize(
    ("statement", "snapshot"),
    [
        rare("INSERT INTO events", 0),
        rare("INSERT INTO deltas", 0),
        ("INSERT INTO outbox", 0),
        rare("DELETE FROM outbox", 0),
        rare("INSERT INTO snapshots", 1),
        rare("DELETE FROM deltas", 1),
    ],
)
def test_half_of_a_commit_is_nothing_whatever_rules_open_it(
    statement: str, snapshot: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "gate.db"
    ended = killed(database, statement, 55)
    assert ended >= 54
    store = open_file(database, pytest.fail)
    events = list(store.log)
    assert len(events) == ended + snapshot, "a commit is told when its snapshot is over"
    state, outbox = store.state, store.outbox()
    assert to_text(encode(state, Layouts())) == to_text(encode(replay(store.first, events), Layouts()))
    assert {one.id for one in outbox} <= set(range(1, state.counter + 1))
    store.drop()
    for module in (load, write):
        monkeypatch.setattr(module, "rules", lambda: "later")
    monkeypatch.setattr(load, "decide", pytest.fail)
    store = open_file(database, pytest.fail)
    assert to_text(encode(store.state, Layouts())) == to_text(encode(state, Layouts()))
    assert store.outbox() == outbox
    store.close()
