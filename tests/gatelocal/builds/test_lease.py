"""Folders of runs: gone with their run, however that ended, and never while it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.builds import lease

HOLDER = """
import sys, time, pathlib
from gatelocal.builds import lease
with lease.folder(pathlib.Path(sys.argv[1]), "other", print) as folder:
    (folder / "tree").mkdir()
    (folder / "tree" / "file").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""


def silent(_: str) -> None:
    pass


def test_a_folder_is_there_for_its_run_alone(tmp_path: Path) -> None:
    root = tmp_path / "cache/work"
    with lease.folder(root, "one", silent) as one:
        assert one.stat().st_mode & 0o077 == 0
        (one / "tree").mkdir()
        with lease.folder(root, "two", silent) as two:
            assert {path.name for path in root.iterdir()} == {"one", "two"}
            (two / "x").write_text("x")
        assert [path.name for path in root.iterdir()] == ["one"]
    assert list(root.iterdir()) == []


def test_what_dead_runs_left_is_removed_whatever_it_is(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "old/src/a").mkdir(parents=True)
    (root / "old/src/a/file").write_text("x")
    (root / "half").mkdir()
    (root / "half/.lease").touch()
    (root / "file").write_text("not ours")
    with lease.folder(root, "new", silent):
        assert {path.name for path in root.iterdir()} == {"new", "file"}


def test_a_failure_removes_the_folder_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), lease.folder(tmp_path / "work", "one", silent) as one:
        (one / "x").write_text("x")
        raise KeyboardInterrupt
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.live
def test_a_killed_run_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(tmp_path / "work")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with lease.folder(tmp_path / "work", "mine", silent):
            assert (tmp_path / "work/other/tree/file").exists()
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (tmp_path / "work/other/tree/file").exists()
    with lease.folder(tmp_path / "work", "mine", silent):
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["mine"]
