"""Nothing is left of a node whose owner died; real processes, in folders of the test's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InputError
from gatelocal.launcher import holds, place, steps, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.pool import launcher
from tests.patience import until

_OWNER = """
import sys, time
from pathlib import Path
from gatelocal.launcher.pool import launcher
node = launcher("local", Path(sys.argv[1]) / "cache", Path(sys.argv[1]) / "nodes").launch(None, lambda line: None)
if sys.argv[2] == "hold":
    node.hold()
print(node.name, flush=True)
node.run(["sleep", "987654"])
"""


def _owner(folder: Path, mode: str) -> tuple[subprocess.Popen[str], str]:
    child = subprocess.Popen([sys.executable, "-c", _OWNER, str(folder), mode], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def _marked(name: str) -> list[int]:
    mark = f"{sweeper.MARK}={name}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.live
def test_guard_returns_the_node_of_a_killed_owner(tmp_path: Path) -> None:
    owner, name = _owner(tmp_path, "use")
    assert until(lambda: len(_marked(name)) >= 2)
    owner.kill()
    owner.wait()
    assert until(lambda: not _marked(name) and not (tmp_path / "nodes" / name).exists())
    assert list((tmp_path / "nodes").iterdir()) == []


@pytest.mark.live
def test_held_node_stays_until_it_is_returned(tmp_path: Path) -> None:
    owner, name = _owner(tmp_path, "hold")
    assert until(lambda: len(_marked(name)) >= 2)
    owner.kill()
    owner.wait()
    runtime = tmp_path / "nodes"
    sweeper.sweep(runtime, print)
    assert [record.name for record in holds.held(runtime)] == [name]
    assert str(runtime / name / "home") in holds.shell_argv(runtime, name[:-2])
    assert holds.give_back(runtime, name.rpartition("-")[2]) == name
    assert holds.held(runtime) == ()
    assert until(lambda: not _marked(name))
    with pytest.raises(InputError, match="no single node"):
        holds.give_back(runtime, name)


@pytest.mark.live
def test_sweep_removes_what_a_dead_owner_and_a_dead_guard_left(tmp_path: Path) -> None:
    owner, name = _owner(tmp_path, "use")
    folder = tmp_path / "nodes" / name
    assert until(lambda: len(_marked(name)) >= 2)
    record = place.read(folder)
    assert record is not None
    for guard in record.processes:
        os.kill(guard.pid, signal.SIGKILL)
    owner.kill()
    owner.wait()
    assert folder.exists()
    said: list[str] = []
    sweeper.sweep(tmp_path / "nodes", said.append)
    assert not folder.exists()
    assert not _marked(name)
    assert name in said[0]


def test_sweep_leaves_living_owners_alone(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    sweeper.sweep(tmp_path, print)
    assert place.read(folder) == record


def test_a_later_process_of_the_same_id_is_not_stopped(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder, record = place.create(tmp_path, "local", "x")
        record = place.note_process(folder, record, other.pid)
        ((pid, started),) = [(each.pid, each.started) for each in record.processes]
        text = (folder / "node.json").read_text().replace(str(started), str(started - 1))
        (folder / "node.json").write_text(text)
        sweeper.remove(folder)
        assert process.is_running(pid)
        assert not folder.exists()
    finally:
        other.kill()
        other.wait()


def test_records_survive_writing_and_strangers_are_no_nodes(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "nspawn", "debian-bookworm")
    moved = place.move(folder, record, NodeState.BOOTING)
    assert place.read(folder) == moved
    assert (folder.stat().st_mode & 0o777) == 0o700
    with pytest.raises(ValueError, match="does not become"):
        place.move(folder, moved, NodeState.HELD)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/node.json").write_text("{}")
    assert [each.name for each in holds.nodes(tmp_path)] == [record.name]


@pytest.mark.live
def test_local_node_has_a_small_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "secret")
    node = launcher("local", tmp_path / "cache", tmp_path / "nodes").launch("any", print)
    lines: list[str] = []
    assert node.run(["env"], on_line=lines.append) == 0
    node.close()
    assert f"HOME={node.home}" in lines
    assert not any("A_TOKEN" in line for line in lines)


@pytest.mark.parametrize(
    ("output", "brief"),
    [
        ("E: Temporary failure resolving 'archive.example.org'", "did not answer"),
        ("tar: x: Cannot write: No space left on device", "disk is full"),
        ("E: something else", "failed"),
    ],
)
def test_failed_step_says_why(tmp_path: Path, output: str, brief: str) -> None:
    with pytest.raises(steps.InfrastructureError) as caught:
        steps.watched(["sh", "-c", 'echo "$1"; exit 1', "sh", output], tmp_path / "log", "building it")
    assert brief in caught.value.brief
    assert output in caught.value.details
    assert (tmp_path / "log").read_text() == f"{output}\n"
