"""Nothing is left of a node whose owner died; real processes, in folders of the test's own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InputError
from gatelocal.launcher import holds, images, place, steps, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.pool import launcher
from tests.patience import LONG, until

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
    assert until(lambda: len(_marked(name)) >= 1)
    owner.kill()
    owner.wait()
    assert until(lambda: not _marked(name) and list((tmp_path / "nodes").iterdir()) == [])


@pytest.mark.live
def test_held_node_stays_until_it_is_returned(tmp_path: Path) -> None:
    owner, name = _owner(tmp_path, "hold")
    assert until(lambda: len(_marked(name)) >= 1)
    owner.kill()
    owner.wait()
    runtime = tmp_path / "nodes"
    sweeper.sweep(runtime, print)
    assert [record.name for record in holds.held(runtime)] == [name]
    assert str(runtime / name / "home") in holds.shell_argv(runtime, name[:-2])
    assert holds.give_back(runtime, name.rpartition("-")[2]) == (name,)
    assert holds.held(runtime) == ()
    assert until(lambda: not _marked(name))
    with pytest.raises(InputError, match="no single node"):
        holds.give_back(runtime, name)


@pytest.mark.live
def test_sweep_removes_what_a_dead_owner_and_a_dead_guard_left(tmp_path: Path) -> None:
    owner, name = _owner(tmp_path, "use")
    folder = tmp_path / "nodes" / name
    assert until(lambda: len(_marked(name)) >= 1)
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


def test_control_groups_go_also_where_their_maker_was_killed_before_it_noted_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_CGROUPS", str(tmp_path / "cgroup"))
    folder, record = place.create(tmp_path / "nodes", "nspawn", "debian-bookworm")
    for name in (record.name, "other-01234567"):
        (tmp_path / f"cgroup/memory/user/gatelocal-{name}/payload").mkdir(parents=True)
    sweeper.remove(folder)
    assert [each.name for each in (tmp_path / "cgroup/memory/user").iterdir()] == ["gatelocal-other-01234567"]


def test_control_groups_of_trials_that_were_killed_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "_CGROUPS", str(tmp_path))
    mine = place.this_process()
    for name in (f"trial-{mine.pid}.{mine.started}-01", f"trial-{mine.pid}.{mine.started - 1}-02", "x-01234567"):
        (tmp_path / f"memory/gatelocal-{name}").mkdir(parents=True)
    found = sweeper.groups_of_dead("trial-")
    assert [path.name for path in found] == [f"gatelocal-trial-{mine.pid}.{mine.started - 1}-02"]


def test_sweep_leaves_living_owners_alone(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    sweeper.sweep(tmp_path, print)
    assert place.read(folder) == record


@pytest.mark.parametrize("record", [None, "", "{}", "[]", '{"name": "half'])
def test_a_node_without_a_readable_record_is_swept_with_its_processes(tmp_path: Path, record: str | None) -> None:
    folder, _ = place.create(tmp_path, "local", "debian-bookworm")
    (folder / "node.json").unlink()
    if record is not None:
        (folder / "node.json").write_text(record)
    stray = subprocess.Popen(["sleep", "600"], env={**os.environ, sweeper.MARK: folder.name})
    said: list[str] = []
    sweeper.sweep(tmp_path, said.append)
    assert stray.wait(LONG) == -signal.SIGKILL
    assert (list(tmp_path.iterdir()), len(said)) == ([], 1)


def test_what_a_marked_process_has_started_goes_too_if_it_carries_no_mark_itself(tmp_path: Path) -> None:
    folder, _ = place.create(tmp_path, "local", "debian-bookworm")
    mark = {**os.environ, sweeper.MARK: folder.name}
    script = "env -u GATELOCAL_NODE sleep 600 & echo $!; wait"
    started = subprocess.Popen(["sh", "-c", script], env=mark, stdout=subprocess.PIPE, start_new_session=True)
    here = subprocess.Popen(["sleep", "600"], env=mark)
    other = subprocess.Popen(["sleep", "600"])
    assert started.stdout is not None
    unmarked = int(started.stdout.readline())
    sweeper.remove(folder)
    assert until(lambda: place.name_of(unmarked) is None)
    assert (started.wait(LONG), here.wait(LONG)) == (-signal.SIGKILL,) * 2
    assert other.poll() is None  # of the session that this test is in: only what is marked there is the node's
    other.kill()
    other.wait()


def test_the_guard_ends_what_a_killed_owner_has_begun_to_delete(tmp_path: Path) -> None:
    folder, _ = place.create(tmp_path, "local", "debian-bookworm")
    grave, beside = (tmp_path / f".gone-{name}-1" for name in (folder.name, "debian-bookworm-00000000"))
    folder.rename(grave)
    beside.mkdir()
    sweeper._guard(folder, place.ProcessName(1 << 30, 1))
    assert list(tmp_path.iterdir()) == [beside]


def test_what_is_being_made_stays_and_what_a_dead_process_was_making_goes(tmp_path: Path) -> None:
    mine = place.this_process()
    for started in (mine.started, mine.started - 1):
        (tmp_path / f"{place.NEW}{mine.pid}.{started}-debian-bookworm-01234567").mkdir()
    (tmp_path / "somebody's").mkdir()
    sweeper.sweep(tmp_path, print)
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {f"{place.NEW}{mine.pid}.{mine.started}-debian-bookworm-01234567", "somebody's"}


def test_a_record_of_a_later_version_is_read(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    text = (folder / "node.json").read_text()
    (folder / "node.json").write_text(text.replace("{", '{"something new": [1],', 1))
    assert place.read(folder) == record


def test_what_killed_builders_left_goes_and_a_builder_at_work_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, temporary = tmp_path / "images", tmp_path / "tmp"
    for name in ("busy", "dead"):
        (cache / name / ".building-01").mkdir(parents=True)
        (cache / name / "lock").touch()
    mine = place.this_process()
    for started in (mine.started, mine.started - 1):
        (temporary / f"{place.SCRATCH}{mine.pid}.{started}-x").mkdir(parents=True)
    monkeypatch.setattr(images.tempfile, "tempdir", str(temporary))
    with (cache / "busy/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        images.sweep(cache)
    assert ((cache / "busy/.building-01").exists(), (cache / "dead/.building-01").exists()) == (True, False)
    assert [each.name for each in temporary.iterdir()] == [f"{place.SCRATCH}{mine.pid}.{mine.started}-x"]


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
    ("output", "brief", "hint"),
    [
        ("E: Temporary failure resolving 'archive.example.org'", "did not answer", "Debian archive"),
        ("tar: x: Cannot write: No space left on device", "disk is full", "make room"),
        (
            "E: The repository 'http://x trixie Release' does not have a Release file.",
            "does not have",
            "package source",
        ),
        ("W: GPG error: x: NO_PUBKEY 6ED0E7B82643E131", "not signed with a key", "debian-archive-keyring"),
        ("E: Release file for x is not valid yet (invalid for 3h)", "another time", "clock"),
        ("ERROR: SSLError: CERTIFICATE_VERIFY_FAILED", "certificate", "update-ca-certificates"),
        ("E: Failed to fetch http://x  Hash Sum mismatch", "being updated", "again"),
        ("mount: /proc: Operation not permitted", "does not allow", "--node local"),
        ("E: something else", "failed", "--node local"),
    ],
)
def test_failed_step_says_why_and_what_helps(tmp_path: Path, output: str, brief: str, hint: str) -> None:
    with pytest.raises(steps.InfrastructureError) as caught:
        steps.watched(["sh", "-c", 'echo "$1"; exit 1', "sh", output], tmp_path / "log", "building it")
    assert brief in caught.value.brief and hint in caught.value.hint
    assert str(tmp_path / "log") in caught.value.hint
    assert output in caught.value.details
    assert (tmp_path / "log").read_text() == f"{output}\n"
