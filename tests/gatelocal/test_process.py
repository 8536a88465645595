"""Programs: their ends, their time limits, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatelocal import process
from tests.patience import LONG, until


def test_run_returns_both_streams() -> None:
    done = process.run([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"])
    assert (done.status, done.stdout, done.stderr) == (0, "out\n", "err\n")


def test_run_feeds_standard_input() -> None:
    assert process.run(["cat"], stdin=b"fed").stdout == "fed"


@pytest.mark.live  # more than a moment
def test_what_a_program_had_begun_to_say_when_its_time_was_over_is_handed_over() -> None:
    lines: list[str] = []
    with pytest.raises(TimeoutError):
        process.stream(["sh", "-c", "echo whole; printf 'begun '; sleep 600"], lines.append, timeout=1)
    assert lines == ["whole", "begun "]


def test_a_failure_carries_the_last_words() -> None:
    with pytest.raises(process.ProgramFailed) as caught:
        process.run([sys.executable, "-c", "raise SystemExit('no such luck')"])
    assert caught.value.status == 1
    assert "no such luck" in caught.value.details


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(process.ProgramMissing) as caught:
        process.find("qemu-system-nonesuch")
    assert "qemu-system-nonesuch is not installed" in caught.value.brief


def test_a_time_limit_ends_what_the_program_started_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {note}; wait"
    for limit in (0.2, 2, 20, LONG):  # a busy machine needs longer to come to the note
        with pytest.raises(TimeoutError):
            process.run(["sh", "-c", script], timeout=limit)
        if note.exists() and note.read_text():
            break
    assert until(lambda: not process.is_running(int(note.read_text())))


def test_stream_hands_over_lines_as_they_come() -> None:
    lines: list[str] = []
    status = process.stream(["sh", "-c", "echo one; echo two >&2; exit 3"], lines.append)
    assert (status, lines) == (3, ["one", "two"])


def test_stream_stops_at_its_time_limit() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        process.stream(["sh", "-c", "echo before; sleep 600"], lambda line: None, timeout=0.3)
    assert time.monotonic() - began < LONG


def test_pipe_joins_two_programs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    target = tmp_path / "there"
    target.mkdir()
    process.pipe(["tar", "-c", "a"], ["tar", "-x"], cwd=tmp_path, into=target)
    assert (target / "a").read_text() == "text"


def test_pipe_names_the_side_that_failed(tmp_path: Path) -> None:
    with pytest.raises(process.ProgramFailed) as caught:
        process.pipe(["tar", "-c", "nothing-there"], ["cat"], cwd=tmp_path)
    assert caught.value.brief.startswith("tar ended")


def test_a_child_stops_when_asked(tmp_path: Path) -> None:
    child = process.spawn(["sh", "-c", "echo up; sleep 60"], log=tmp_path / "log")
    assert child.ended() is None
    child.stop(grace=5)
    assert child.ended() is not None
    assert not process.is_running(child.pid)


def test_a_child_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import sys, time, pathlib; from gatelocal import process\n"
        f"child = process.spawn(['sleep', '600'], log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        assert until(lambda: note.exists() and note.read_text())
        pid = int(note.read_text())
        assert process.is_running(pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert until(lambda: not process.is_running(pid))


def test_the_arguments_are_there_from_the_start(tmp_path: Path) -> None:
    """On a busy machine a reader often comes between the two programs (``setpriv`` and the one meant)."""
    for _ in range(20):
        child = process.spawn(["sleep", "60"], log=tmp_path / "log")
        try:
            assert all("60" in process.arguments(child.pid) for _ in range(20))
        finally:
            child.stop(grace=0)
        assert process.arguments(child.pid) == ()


def test_stop_by_pid_says_whether_there_was_something_to_stop(tmp_path: Path) -> None:
    child = process.spawn(["sleep", "60"], log=tmp_path / "log", outlive=True)
    try:
        assert process.stop_by_pid(child.pid, grace=5)
    finally:
        child.stop(grace=0)
    assert not process.stop_by_pid(child.pid)


@pytest.mark.live
def test_stream_does_not_wait_for_what_left_its_process_group() -> None:
    lines: list[str] = []
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        process.stream(["sh", "-c", "setsid sleep 30 & sleep 600"], lines.append, timeout=0.3)
    assert process.stream(["sh", "-c", "setsid sleep 30 & printf 'no newline'; exit 4"], lines.append) == 4
    assert time.monotonic() - began < 25
    assert lines == ["no newline"]


def test_a_line_without_end_is_cut_and_costs_no_more_than_its_length() -> None:
    lines: list[str] = []
    script = "import sys\nfor _ in range(40): sys.stdout.write('x' * 500_000)\nprint('end'); print('next')"
    process.stream([sys.executable, "-c", script], lines.append, timeout=60)
    assert [len(line) < process.LINE_LIMIT + 100 for line in lines] == [True, True]
    assert lines[0].startswith("x" * process.LINE_LIMIT)
    assert lines[0].endswith(f" ... ({40 * 500_000 + 3 - process.LINE_LIMIT} more bytes)")
    assert lines[1] == "next"


def test_a_line_of_just_the_limit_is_whole() -> None:
    lines: list[str] = []
    script = f"print('a' * {process.LINE_LIMIT}); print(); print('b', end='')"
    process.stream([sys.executable, "-c", script], lines.append)
    assert lines == ["a" * process.LINE_LIMIT, "", "b"]


def test_a_line_may_be_as_long_as_somebody_wants_it() -> None:
    lines: list[str] = []
    script = f"print('a' * {3 * process.LINE_LIMIT})"
    process.stream([sys.executable, "-c", script], lines.append, longest=3 * process.LINE_LIMIT)
    process.stream([sys.executable, "-c", script], lines.append, longest=10)
    assert lines == ["a" * (3 * process.LINE_LIMIT), f"{'a' * 10} ... ({3 * process.LINE_LIMIT - 10} more bytes)"]


@pytest.mark.live
def test_stream_ends_although_a_daemon_goes_on_printing() -> None:
    lines: list[str] = []
    began = time.monotonic()
    script = "setsid sh -c 'for i in $(seq 200); do echo on; sleep 0.1; done' & echo done; exit 3"
    assert process.stream(["sh", "-c", script], lines.append) == 3
    assert time.monotonic() - began < 12
    assert "done" in lines


def test_pipe_does_not_wait_for_a_producer_that_complains_without_end(tmp_path: Path) -> None:
    script = "yes complaint | head -c 1000000 >&2; echo text"
    assert process.pipe(["sh", "-c", script], ["cat"], timeout=30) == "text\n"
    with pytest.raises(process.ProgramFailed) as caught:
        process.pipe(["sh", "-c", f"{script}; echo last word >&2; exit 2"], ["cat"], timeout=30)
    assert caught.value.details.endswith("last word")


def test_pipe_ends_at_its_time_limit() -> None:
    with pytest.raises(TimeoutError):
        process.pipe(["sleep", "60"], ["cat"], timeout=0.3)
