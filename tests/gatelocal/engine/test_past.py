"""Runs of before: what their folders tell, and which of them go when there are too many."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.builds.lease import holding
from gatelocal.config.directories import Directories
from gatelocal.engine import past, pruning
from gatelocal.engine.run_folder import RunFolder
from gatelocal.errors import InputError
from gatelocal.model.change import Change
from gatelocal.model.deviation import Deviation
from gatelocal.model.hold import Invocation
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Counted, Outcome, TestResult, TestStatus
from gatelocal.model.run import Base, RunResult
from gatelocal.model.terms import Terms
from gatelocal.stopping import Stopped
from tests.gatelocal.launcher.test_holds import hold

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()
DAY = 86400.0
BAD = TestResult("a.T.test", TestStatus.FAILURE, 0.5, "AssertionError: 1 != 2", "a.T")


def result(logs: Path, *builds: BuildResult) -> RunResult:
    change = Change("acme/app", "main", "a" * 40, "Fix it\n\nBody\n")
    return RunResult(
        change,
        "gate",
        builds,
        (change,),
        (Base("acme/app", "main", "b" * 40),),
        not_run=(Job("other", run=False, rule="files", variables={"x": [1, {"y": None}]}),),
        notes=("a note",),
        logs=str(logs),
        seconds=12.5,
    )


def build(job: str, outcome: Outcome, *tests: TestResult, logs: Path | str = "") -> BuildResult:
    return BuildResult(
        job,
        outcome,
        3.0,
        tests=tests,
        logs=str(logs),
        counted=Counted(2, 1),
        never_ran=("a.T.gone",),
        invocation=Invocation(("sh", "-c", "x"), "/w", {"A": "b"}),
        deviations=(Deviation("x", "y"),),
    )


def run_of(runs: Path, name: str, *builds: BuildResult, ended: bool = True, size: int = 0) -> Path:
    """A run's folder as a run leaves it, with its builds'."""
    folder = runs / name
    for one in builds:
        own = folder / one.job
        own.mkdir(parents=True)
        orders.put(own / orders.NAME, "an order of another version")
        orders.put(own / RESULT, Final(one))
        (own / "job-output.txt").write_bytes(b"x" * size)
    if ended:
        RunFolder(folder).keep_result(result(folder, *builds))
        RunFolder(folder).first_end()
    return folder


def test_what_a_run_has_left_is_told_as_it_was(tmp_path: Path) -> None:
    builds = (build("unit", Outcome.FAILURE, BAD), build("lint", Outcome.SUCCESS))
    folder = run_of(tmp_path, "20261130-101112-abcdef", *builds)
    found = past.past(folder)
    assert found.result == result(folder, *builds)
    assert (found.name, found.state, found.subject) == ("20261130-101112-abcdef", "fails", "acme/app aaaaaaaaaa Fix it")
    assert found.began == datetime(2026, 11, 30, 10, 11, 12, tzinfo=UTC).timestamp()
    assert sorted((one.title, one.state) for one in found.builds) == [("lint", "SUCCESS"), ("unit", "FAILURE")]
    assert found.size > 0


def test_a_run_without_a_result_is_under_way_or_broken_off(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "20261130-101112-abcdef", build("unit", Outcome.SUCCESS), ended=False)
    (folder / "other").mkdir()
    orders.put(folder / "other" / orders.NAME, "x")
    assert (past.past(folder).state, past.is_under_way(folder)) == ("broken off", False)
    assert {one.title: one.state for one in past.past(folder).builds} == {"unit": "SUCCESS", "other": "lost"}
    with RunFolder(folder).alone():
        assert (past.past(folder).state, past.is_under_way(folder)) == ("under way", True)
        assert {one.title: one.state for one in past.past(folder).builds} == {"unit": "SUCCESS", "other": "waiting"}
    with holding(folder / "other" / ".lock"):
        assert past.is_under_way(folder), "its build goes on by itself"
        assert {one.title: one.state for one in past.past(folder).builds}["other"] == "running"


@pytest.mark.parametrize("end", [KeyboardInterrupt, Stopped])
def test_a_run_that_somebody_has_ended_is_told_from_one_that_was_killed(
    tmp_path: Path, end: type[BaseException]
) -> None:
    folder = run_of(tmp_path, "20261130-101112-abcdef", build("unit", Outcome.SUCCESS), ended=False)
    RunFolder(folder).keep_failed(InputError("x"))
    with pytest.raises(end), RunFolder(folder).interruptible():
        raise end
    assert past.past(folder).state == "interrupted"
    with RunFolder(folder).interruptible():
        assert past.past(folder).state == "broken off"


def test_what_cannot_be_read_is_not_known_and_no_failure(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "20261130-101112-abcdef", build("unit", Outcome.SUCCESS))
    for name in (".gate/result.json", "unit/result.json"):
        (folder / name).write_bytes(b"\xff\x00 garbage")
    found = past.past(folder)
    assert (found.result, found.state) == (None, "ended")
    assert [one.state for one in found.builds] == ["lost"]


def test_names_are_those_of_runs_alone(tmp_path: Path) -> None:
    for name in ("20261130-101112-abcdef", "20261129-101112-abcdef", "mine", "20261399-101112-abcdef", ".x"):
        (tmp_path / name).mkdir()
    (tmp_path / "20261128-101112-abcdef").symlink_to(tmp_path / "mine")
    assert past.names(tmp_path) == ["20261130-101112-abcdef", "20261129-101112-abcdef"]
    assert past.names(tmp_path / "none") == []


@pytest.fixture
def places(tmp_path: Path) -> Directories:
    return Directories(tmp_path / "cache", tmp_path / "state")


def day(number: int) -> str:
    return f"202611{number:02d}-100000-abcdef"


def test_old_runs_go_and_those_that_are_needed_stay(places: Directories) -> None:
    for number in (1, 2, 3, 4, 29):
        run_of(places.runs, day(number), build("unit", Outcome.SUCCESS))
    (places.runs / "mine").mkdir()
    hold(places.nodes, day(1))
    with RunFolder(places.runs / day(2)).alone(), holding(places.runs / day(3) / "unit" / ".lock"):
        gone = pruning.prune(places, Terms(10 * DAY, 1 << 40), NOW)
    assert gone == (day(4),)
    assert sorted(one.name for one in places.runs.iterdir()) == [day(1), day(2), day(3), day(29), "mine"]


def test_the_oldest_go_when_all_take_too_much_and_the_latest_stays(places: Directories) -> None:
    for number in (26, 27, 28, 29):
        run_of(places.runs, day(number), build("unit", Outcome.SUCCESS), size=1 << 20)
    assert pruning.prune(places, Terms(10 * DAY, 5 << 19), NOW) == (day(27), day(26))
    assert pruning.prune(places, Terms(1.0, 1), NOW) == (day(28),)
    assert past.names(places.runs) == [day(29)]


def test_a_run_of_this_hour_stays_whatever_it_takes(places: Directories) -> None:
    for name in ("20261130-113000-aaaaaa", "20261130-113100-bbbbbb", "20261130-100000-cccccc"):
        run_of(places.runs, name, build("unit", Outcome.SUCCESS))
    assert pruning.prune(places, Terms(1.0, 1), NOW) == ("20261130-100000-cccccc",)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", Terms(30 * DAY, 10 << 30)),
        ("7d", Terms(7 * DAY, 10 << 30)),
        ("500M", Terms(30 * DAY, 500 << 20)),
        ("2w,1T", Terms(14 * DAY, 1 << 40)),
    ],
)
def test_limits_are_what_the_variable_says(said: str, expected: Terms) -> None:
    assert pruning.keep({"GATELOCAL_RUNS": said}) == expected


def test_what_is_no_limit_is_refused() -> None:
    with pytest.raises(InputError, match="GATELOCAL_RUNS has forever"):
        pruning.keep({"GATELOCAL_RUNS": "forever"})
