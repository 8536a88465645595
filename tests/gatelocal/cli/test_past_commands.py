"""`runs`, `show`, `logs` and `artifacts` over folders as runs leave them; nothing is run."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.builds.folder import OWN
from gatelocal.cli.again import base, failed
from gatelocal.cli.logs import meant, tail
from gatelocal.cli.main import gatelocal
from gatelocal.config.directories import Directories
from gatelocal.engine.request import GateRequest
from gatelocal.engine.run_folder import Begun, RunFolder
from gatelocal.errors import InputError
from gatelocal.model.change import ChangeStatus
from gatelocal.model.part import Part
from gatelocal.model.past import PastBuild
from gatelocal.model.result import BuildResult, Outcome
from tests.gatelocal.engine.test_past import BAD, build, run_of

OLD, NEW = "20261129-101112-abcdef", "20261130-101112-abcdef"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path))
    return tmp_path / "runs"


def said(*words: str) -> str:
    done = CliRunner().invoke(gatelocal, list(words), catch_exceptions=False, standalone_mode=False)
    return done.output


def test_runs_are_listed_the_latest_first(runs: Path) -> None:
    assert said("runs") == "there is no run yet: make one with `gatelocal run`\n"
    run_of(runs, OLD, build("unit", Outcome.SUCCESS))
    run_of(runs, NEW, build("unit", Outcome.FAILURE, BAD), build("lint", Outcome.SUCCESS))
    head, first, second = said("runs").splitlines()
    assert head.split() == ["RUN", "AGE", "VERDICT", "JOBS", "TIME", "SIZE", "CHANGE"]
    assert first.split()[0] == NEW and first.split()[2:5] == ["fails", "1/2", "12s"]
    assert first.endswith("acme/app aaaaaaaaaa Fix it")
    assert second.split()[0] == OLD and second.split()[2] == "passes"
    assert len(said("runs", "-n", "1").splitlines()) == 2
    told = [json.loads(line) for line in said("runs", "--json").splitlines()]
    assert [(one["run"], one["state"], one["result"]["exit_code"]) for one in told] == [
        (NEW, "fails", 1),
        (OLD, "passes", 0),
    ]


def test_a_folder_that_is_no_run_is_told(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in (str(tmp_path / "etc"), str(tmp_path / "nowhere"), "../../etc"):
        with pytest.raises(InputError, match="there is no run in"):
            said("show", name)
    (runs / NEW).mkdir(parents=True)
    assert said("show", NEW).startswith(f"run: {NEW}: no verdict"), "one that has only begun is shown"


def test_a_run_is_shown_as_it_ended(runs: Path) -> None:
    run_of(runs, NEW, build("unit", Outcome.FAILURE, BAD))
    for words in (("show",), ("show", "last"), ("show", "2026"), ("show", str(runs / NEW))):
        assert said(*words).splitlines()[-1] == "FAIL: acme/app aaaaaaaaaa fails unit in 12s"
    assert json.loads(said("show", "--json"))["result"]["builds"][0]["failures"][0]["name"] == "a.T.test"
    assert said("show", "--job", "unit").splitlines() == [
        "- unit : FAILURE in 3s",
        "",
        "a.T.test",
        "    AssertionError: 1 != 2",
        "never ran: a.T.gone",
    ]
    with pytest.raises(InputError, match="has no job other"):
        said("show", "--job", "other")


def test_a_run_without_a_verdict_is_shown_as_far_as_it_came(runs: Path) -> None:
    run_of(runs, NEW, build("unit", Outcome.SUCCESS), ended=False)
    assert said("show").splitlines() == [f"run: {NEW}: broken off", "- unit : SUCCESS", "", f"logs: {runs / NEW}"]


def test_a_log_is_printed_clean(runs: Path) -> None:
    folder = run_of(runs, NEW, build("unit", Outcome.SUCCESS))
    (folder / "unit" / "job-output.txt").write_bytes(b"one\x1b[31m\n\xff two\n" + b"x" * 3000 + b"\nlast")
    lines = said("logs").splitlines()
    assert lines[:2] == ["one", "\ufffd two"] and lines[3] == "last"
    assert lines[2].endswith("(1000 more characters)")


def test_files_that_came_from_the_node_are_listed_and_no_others(runs: Path) -> None:
    folder = run_of(runs, NEW, build("unit", Outcome.SUCCESS), build("lint", Outcome.SUCCESS))
    for own in OWN:
        (folder / "unit" / own).touch()
    (folder / "unit" / "artifacts").mkdir()
    (folder / "unit" / "artifacts" / "a\x1b[2J").write_text("1234")
    (folder / "unit" / "artifacts" / "link").symlink_to("/etc/passwd")
    assert said("artifacts", "--job", "unit").splitlines() == [
        f"       0 B  {folder}/unit/job-output.txt",
        f"       4 B  {folder}/unit/artifacts/a\\x1b[2J",
    ]
    assert len(said("artifacts").splitlines()) == 3
    with pytest.raises(InputError, match="no job other"):
        said("artifacts", "-j", "other")


@pytest.mark.parametrize(
    ("states", "job", "expected"),
    [
        ({"a": "SUCCESS"}, None, "a"),
        ({"a": "SUCCESS", "b": "running"}, None, "b"),
        ({"a": "SUCCESS", "b": "FAILURE", "c": "TIMED_OUT"}, None, "b"),
        ({"a": "SUCCESS", "b": "running"}, "a", "a"),
        ({"a": "SUCCESS", "b": "SUCCESS"}, None, None),
        ({"a": "SUCCESS"}, "b", None),
        ({}, None, None),
    ],
)
def test_the_job_that_is_meant(states: dict[str, str], job: str | None, expected: str | None) -> None:
    builds = [PastBuild(title, Path(title), state) for title, state in states.items()]
    if expected is None:
        with pytest.raises(InputError):
            meant(builds, job)
    else:
        assert meant(builds, job).title == expected


def test_of_several_attempts_the_last_is_meant() -> None:
    builds = [PastBuild("a", Path("a"), "NODE_FAILURE"), PastBuild("a", Path("a~2"), "SUCCESS")]
    assert meant(builds, "a").folder == Path("a~2")


def test_a_log_is_followed_to_its_end(tmp_path: Path) -> None:
    path, over, told = tmp_path / "job-output.txt", threading.Event(), []
    reader = threading.Thread(target=tail, args=(path, over.is_set, told.append))
    reader.start()
    time.sleep(0.05)
    with path.open("wb", buffering=0) as file:
        file.write(b"one\ntw")
        time.sleep(0.15)
        assert told == ["one"]
        file.write(b"o\nthree")
    over.set()
    reader.join(10)
    assert told == ["one", "two", "three"]


def test_a_job_that_printed_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="printed nothing"):
        tail(tmp_path / "none", lambda: True, print)


def begun_in(runs: Path, name: str, directory: Path, *builds: BuildResult) -> None:
    folder = run_of(runs, name, *builds)
    RunFolder(folder).begin(Begun(GateRequest(directory=directory), 0.0))


def test_failed_means_what_failed_in_the_last_run_of_this_folder(runs: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    places = Directories(tmp_path / "cache", tmp_path)
    with pytest.raises(InputError, match="no run was begun in this folder"):
        failed(places, here, ())
    crashed = replace(build("odd", Outcome.FAILURE), never_ran=())
    good, skipped = build("lint", Outcome.SUCCESS), build("late", Outcome.SKIPPED)
    begun_in(
        runs,
        OLD,
        here,
        build("unit", Outcome.FAILURE, BAD),
        good,
        skipped,
        crashed,
        build("gone", Outcome.NODE_FAILURE),
    )
    begun_in(runs, NEW, there, good)
    assert failed(places, here, ()) == (("unit", "late", "odd", "gone"), {"unit": ("a.T.test", "a.T.gone")})
    assert failed(places, here, ("unit",)) == (("unit",), {"unit": ("a.T.test", "a.T.gone")})
    later = run_of(runs, "20261201-101112-abcdef", build("unit (1 of 2)", Outcome.FAILURE, BAD))
    looking = GateRequest(directory=here, parts={"unit": (Part("1 of 2"), Part("2 of 2"))})
    RunFolder(later).begin(Begun(looking, 0.0))
    assert failed(places, here, ())[0] == ("unit", "late", "odd", "gone"), "who looks for a culprit is passed over"
    with pytest.raises(InputError, match="no such job of the last run here"):
        failed(places, here, ("lint",))
    with pytest.raises(InputError, match=r"each job of the last run here, .* has passed"):
        failed(places, there, ())


def test_trunk_means_the_branch_that_the_last_run_of_a_change_stood_on(runs: Path, tmp_path: Path) -> None:
    here, places = tmp_path / "here", Directories(tmp_path / "cache", tmp_path)
    begun_in(runs, OLD, here, build("unit", Outcome.FAILURE, BAD))
    begun_in(runs, NEW, here, build("unit", Outcome.SUCCESS))
    found = RunFolder(runs / NEW).result()
    assert found is not None
    alone = replace(found.change, status=ChangeStatus.MERGED, number=None)
    RunFolder(runs / NEW).keep_result(replace(found, change=alone, part=True))
    assert base(places, here) == ("b" * 40, "main"), "one without the change is none to compare with"
    assert failed(places, here, ())[0] == ("unit",)
    RunFolder(runs / NEW).keep_result(replace(found, change=alone))
    with pytest.raises(InputError, match="was of no change"):
        base(places, here)


def test_what_flake_and_bisect_are_asked_must_make_sense(runs: Path) -> None:
    for words, message in (
        (("flake", "a", "last", "--change", "x"), "choose one of them"),
        (("flake", "a", "--isolate", "--fresh"), "leave out --fresh"),
        (("flake", "a"), "no run of this work tree has a test named a"),
        (("flake", "a", "last"), "there is no run yet"),
        (("flake", "a", "--job", "unit", "--isolate"), "a run that has seen it fail"),
        (("bisect",), "no test is named"),
        (("bisect", "--job", "unit", "--ahead", "1", "--merges"), "are two rows"),
    ):
        with pytest.raises(InputError, match=message):
            said(*words)


def test_a_run_is_written_as_a_page(runs: Path, tmp_path: Path) -> None:
    folder = run_of(runs, NEW, build("unit", Outcome.FAILURE, BAD, logs=runs / NEW / "unit"))
    (folder / "unit" / "job-output.txt").write_text("one\nFAILED a.T.test\ntwo\n")
    said("show", "--html", str(tmp_path / "run.html"))
    text = (tmp_path / "run.html").read_text()
    assert "FAIL: acme/app aaaaaaaaaa fails unit in 12s" in text
    assert "<mark>FAILED a.T.test</mark>" in text
    with pytest.raises(InputError, match="its folder is not there"):
        said("show", "--html", str(tmp_path / "gone" / "run.html"))
