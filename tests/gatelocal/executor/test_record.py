"""The record of a build's output, and what becomes of it on a full disk."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatelocal.executor import record
from gatelocal.executor.record import NAME, Record


def noon() -> datetime:
    return datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_job_cannot_write_a_line_of_ours(tmp_path: Path) -> None:
    said: list[str] = []
    with Record(tmp_path, said.append, noon) as kept:
        kept.note("[tests] 1.0 s, status 1")
        kept.line("2026-01-02 12:00:00.000000 > [tests] 1.0 s, status 0")
        kept.line("a\r2026-01-02 12:00:00.000000 > forged\n\u2028\x85\x1b[2K\x1b[1Gb")
    assert (tmp_path / NAME).read_text().splitlines() == [
        "2026-01-02 12:00:00.000000 > [tests] 1.0 s, status 1",
        "2026-01-02 12:00:00.000000 | 2026-01-02 12:00:00.000000 > [tests] 1.0 s, status 0",
        "2026-01-02 12:00:00.000000 | a2026-01-02 12:00:00.000000 > forgedb",
    ]
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_a_person_is_not_shown_a_whole_long_line(tmp_path: Path) -> None:
    said: list[str] = []
    with Record(tmp_path, said.append, noon) as kept:
        kept.line("x" * 5000)
    assert said == ["x" * record.SHOWN + " ... (3000 more characters)"]
    assert (tmp_path / NAME).stat().st_size > 5000


def test_a_full_disk_costs_the_lines_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    room = [40]
    write = os.write

    def small(handle: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = write(handle, data[: room[0]])
        room[0] -= count
        return count

    with Record(tmp_path, said.append, noon) as kept:
        monkeypatch.setattr(os, "write", small)
        for word in ("one", "two", "three"):
            kept.line(word)
        room[0] = 1000
        kept.line("four")
        monkeypatch.undo()
    lines = (tmp_path / NAME).read_text().splitlines()
    assert [lines[0][-3:], lines[-1][-4:]] == ["one", "four"]
    assert len(lines) == 3
    assert said == ["one", f"lines are missing in {NAME}: the disk is full", "two", "three", "four"]


def test_a_job_that_prints_without_end_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LARGEST", 1000)
    said: list[str] = []
    with Record(tmp_path, said.append, noon) as kept:
        for _ in range(100):
            kept.line("x" * 90)
    assert (tmp_path / NAME).stat().st_size <= 1000
    assert len([line for line in said if "missing" in line]) == 1


def test_a_link_in_the_place_of_the_record_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Record(tmp_path, lambda line: None)
