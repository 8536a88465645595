"""What builds took before: lines, records, and what is learned from them; the file that many processes share."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from gatelocal.config import history_file
from gatelocal.model.change import Change
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.run import RunResult
from gatelocal.results import history
from gatelocal.results.history import Record


def record(job: str, seconds: float, outcome: str = "SUCCESS", **others: object) -> Record:
    return Record(job, str(others.pop("project", "o/app")), "master", outcome, seconds, **others)  # type: ignore[arg-type]


def test_a_run_is_remembered_by_its_builds_that_came_to_an_end() -> None:
    builds = (
        BuildResult("good", Outcome.SUCCESS, 61.26),
        BuildResult("bad", Outcome.FAILURE, 5),
        BuildResult("slow", Outcome.TIMED_OUT, 3600),
        BuildResult("broken", Outcome.NODE_FAILURE, 2),
    )
    run = RunResult(Change("o/app", "stable/1", "0" * 40, "Subject"), "gate", builds)
    found = history.records_of(run, "2026-01-02T03:04:05+00:00")
    assert [(one.job, one.seconds, one.outcome, one.branch) for one in found] == [
        ("good", 61.3, "SUCCESS", "stable/1"),
        ("bad", 5, "FAILURE", "stable/1"),
    ]
    assert history.records("\n".join(map(history.line_of, found))) == found


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "3", '{"job": 3}', '{"job": "j", "outcome": "SUCCESS"}', "[" * 100_000, "\0", '{"job": ""}']
    + [json.dumps({"job": "j", "outcome": "SUCCESS", "seconds": bad}) for bad in ("1", None, -1, 1e9, True)],
)
def test_a_line_that_is_no_record_spoils_nothing_else(line: str) -> None:
    good = record("j", 3)
    assert history.records(f"{line}\n{history.line_of(good)}\n") == (good,)


def test_the_median_of_the_last_builds_that_passed() -> None:
    known = [record("j", 1000)] * 20 + [record("j", 60)] * 6 + [record("j", 90)] * 4 + [record("j", 1, "FAILURE")]
    known += [
        record("k", 5, "FAILURE"),
        record("l", 7, project="other", gigabytes=3.0),
        record("j", 9, project="other"),
    ]
    found = history.usual(known, "o/app")
    assert (found["j"].seconds, found["j"].builds, found["j"].gigabytes) == (60, 9, None)
    assert (found["k"].seconds, found["l"].seconds, found["l"].gigabytes) == (5, 7, 3.0)


def add(path: Path, count: int) -> None:
    for number in range(count):
        history_file.append(path, [history.line_of(record(f"j{number}", 1))] * 3)


def test_many_processes_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=add, args=(path, 50)) for _ in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert len(history.records(history_file.read(path))) == 4 * 50 * 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_grows_too_large_loses_its_older_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "LARGEST", 10_000)
    path = tmp_path / "h"
    for number in range(300):
        history_file.append(path, [history.line_of(record(f"j{number}", 1))])
    found = history.records(path.read_text())
    assert found[-1].job == "j299"
    assert path.stat().st_size <= 10_200
    assert len(found) == len(path.read_text().splitlines())


def test_no_history_is_no_failure(tmp_path: Path) -> None:
    assert history_file.read(tmp_path / "none") == ""
    (tmp_path / "file").write_text("")
    history_file.append(tmp_path / "file" / "h", ["x"])
    history_file.append(tmp_path / "h", [])
    assert not (tmp_path / "h").exists()
