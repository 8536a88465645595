"""What a daemon removes of the past: nothing that is used, nothing that is not its own, and all that is beyond."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatelocal.engine.run_folder import NAME, RunFolder
from gatelocal.model.terms import Terms
from gatelocal.server.housekeeping import FRESH, Housekeeping
from gatelocal.store.builds import BuildRecord, Builds

NOW = 2_000_000_000.0
HOUR = 3600.0
LARGE = 1 << 20


@pytest.fixture
def house(tmp_path: Path) -> Housekeeping:
    (tmp_path / "runs").mkdir()
    builds = Builds(f"sqlite:///{tmp_path / 'history.sqlite'}")
    return Housekeeping(
        tmp_path / "runs", tmp_path / "nodes", Terms(24 * HOUR, 10 * LARGE), 100 * HOUR, builds, lambda _: None
    )


def run(house: Housekeeping, number: int, hours: float | None, *, size: int = 10) -> Path:
    """A preparation with a build. :param hours: ago, that it was over; None: it is not."""
    folder = house.runs / f"{number:08d}"
    (folder / NAME).mkdir(parents=True)
    (folder / "unit").mkdir()
    (folder / "unit/job-output.txt").write_bytes(b"x" * size)
    if hours is not None:
        assert RunFolder(folder).first_end()
        os.utime(folder / NAME / "ended", (NOW - hours * HOUR, NOW - hours * HOUR))
    ended = None if hours is None else NOW - hours * HOUR
    words = ("unit", "unit", "gate", "p", "5")
    house.builds.add(
        BuildRecord(number + 1, 1, number, *words, 1, True, False, NOW, folder=str(folder / "unit"), ended=ended)
    )
    return folder


def left(house: Housekeeping) -> list[int]:
    return sorted(int(one.name) for one in house.runs.iterdir() if one.name.isdecimal())


def test_what_is_beyond_the_age_goes_and_its_build_has_no_log_any_more(house: Housekeeping) -> None:
    run(house, 10, 25), run(house, 20, 25), run(house, 30, 23), run(house, 40, None)
    house.tidy({20}, NOW)
    assert left(house) == [20, 30, 40]
    assert [(one.id, bool(one.folder)) for one in map(house.builds.get, (11, 21)) if one] == [(11, False), (21, True)]


def test_the_oldest_of_what_takes_too_much_disk_goes_unless_it_is_only_just_over(house: Housekeeping) -> None:
    for number, hours in ((10, 9), (20, 8), (30, 7), (40, FRESH / HOUR / 2)):
        run(house, number, hours, size=4 * LARGE)
    house.tidy((), NOW)
    assert left(house) == [30, 40]
    house.tidy((), NOW + 30 * HOUR)
    assert left(house) == []


def test_what_a_daemon_has_not_made_stays_and_what_was_begun_to_be_removed_goes(house: Housekeeping) -> None:
    run(house, 10, 50)
    for name in ("notes", "00000011", "20261130-120000-1-abcd"):
        (house.runs / name).mkdir()
        (house.runs / name / "file").touch()
    (house.runs / "00000012").symlink_to(house.runs / "notes")
    (house.runs / "README").touch()
    (house.runs / ".gone-00000009/unit").mkdir(parents=True)
    house.tidy((), NOW)
    assert sorted(one.name for one in house.runs.iterdir()) == [
        "00000011",
        "00000012",
        "20261130-120000-1-abcd",
        "README",
        "notes",
    ]
    assert (house.runs / "notes/file").exists()


def test_the_history_forgets_builds_that_ended_long_ago(house: Housekeeping) -> None:
    run(house, 10, 101), run(house, 20, 99), run(house, 30, None)
    house.tidy({10}, NOW)
    assert [house.builds.get(number) is not None for number in (11, 21, 31)] == [False, True, True]
