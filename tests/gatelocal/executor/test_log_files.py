"""The logs of a build's folder: which there are, and how little a hostile one can do."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from gatelocal.executor import log_files
from gatelocal.executor.log_files import Logs


def test_logs_are_found_the_build_s_own_output_first(tmp_path: Path) -> None:
    for name in ("a.log", "job-output.txt", "logs/b.txt.gz", "streams/c.txt", ".gate/d.txt", "picture.png", "x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert list(map(str, Logs(tmp_path).names())) == ["job-output.txt", "a.log", "logs/b.txt.gz"]


def test_packed_logs_are_unpacked_also_in_several_parts(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 100)
    logs = Logs(tmp_path)
    assert b"".join(logs.pieces(logs.names()[0])) == b"one\ntwo\n"
    assert not logs.notes


def test_a_packed_log_that_unfolds_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "LARGEST", 3 << 20)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"\0" * (50 << 20)))
    logs = Logs(tmp_path, left=5 << 20)
    assert sum(map(len, logs.pieces(logs.names()[0]))) == 3 << 20
    assert sum(map(len, logs.pieces(logs.names()[0]))) == 2 << 20
    assert logs.notes == [
        "a.txt.gz: only the first 3145728 bytes are read",
        "a.txt.gz: only the first 2097152 bytes are read",
    ]


def test_what_is_damaged_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b"one\n" * 1000)
    (tmp_path / "a.txt.gz").write_bytes(whole[:10] + b"\xff\xff" + whole[12:])
    logs = Logs(tmp_path)
    list(logs.pieces(logs.names()[0]))
    assert "packed, and damaged" in logs.notes[0]


def test_neither_links_nor_pipes_are_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    build = tmp_path / "build"
    build.mkdir()
    (build / "link.txt").symlink_to(tmp_path / "secret")
    (build / "folder").symlink_to(tmp_path)
    os.mkfifo(build / "pipe.txt")
    logs = Logs(build)
    assert list(map(str, logs.names())) == ["link.txt", "pipe.txt"]
    assert b"".join(piece for name in logs.names() for piece in logs.pieces(name)) == b""
    assert "link.txt: it cannot be read" in logs.notes[0]
