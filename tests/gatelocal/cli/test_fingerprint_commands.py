"""`gatelocal fingerprint` over runs as they are left; nothing is run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.main import gatelocal
from gatelocal.engine.run_folder import RunFolder
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.result import BuildResult, Outcome
from tests.gatelocal.engine.test_past import BAD, build, run_of

OUTPUT = "2026-11-30 12:00:01.{} | {}\n"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path))
    monkeypatch.setenv("GATELOCAL_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("GATELOCAL_FINGERPRINTS", raising=False)
    return tmp_path


def said(*words: str) -> str:
    return CliRunner().invoke(gatelocal, list(words), catch_exceptions=False, standalone_mode=False).output


def run(state: Path, number: int, result: BuildResult, *lines: str, project: str = "") -> None:
    """A run that has left these lines, beside some that all have."""
    folder = run_of(state / "runs", f"20261130-10111{number}-abcdef", result)
    text = "".join(OUTPUT.format(at, line) for at, line in enumerate(["it begins", *lines, "it ends"]))
    (folder / result.job / "job-output.txt").write_text(text)
    found = RunFolder(folder).result()
    assert found is not None
    builds = tuple(replace(one, logs=str(folder / one.job)) for one in found.builds)
    change = replace(found.change, project=project) if project else found.change
    RunFolder(folder).keep_result(replace(found, builds=builds, change=change))


def test_a_new_one_is_made_of_what_failures_share_and_passes_lack(state: Path) -> None:
    run(state, 1, build("unit", Outcome.SUCCESS), "ERROR: nobody minds this one")
    run(
        state,
        2,
        build("unit", Outcome.FAILURE, BAD),
        "ERROR: the volume 17 hangs again",
        "ERROR: nobody minds this one",
    )
    run(
        state,
        3,
        build("unit", Outcome.FAILURE, BAD),
        "ERROR: nobody minds this one",
        "ERROR: the volume 99 hangs again",
        "ERROR: only here, Traceback failed",
    )
    told = said("fingerprint", "new", "--bug", "1234567")
    assert "# true of 2 of 2 builds of unit that failed, of 0 of 1 that passed" in told
    text = (state / "config/fingerprints/1234567.yaml").read_text()
    assert 'message:"error the volume" AND\n  message:"hangs again" AND\n  tags:"console"' in text
    with pytest.raises(InputError, match="there already"):
        said("fingerprint", "new", "--bug", "1234567")
    assert "1 fingerprints read, 0 faults" in said("fingerprint", "check")
    found = json.loads(said("fingerprint", "match", "last", "--json"))["unit"]
    assert (found["cause"], found["bugs"][0]["bug"], found["bugs"][0]["line"]) == ("known bug", "1234567", 3)
    with pytest.raises(InputError, match="cannot name"):
        said("fingerprint", "new", "--bug", "../x")
    with pytest.raises(InputError, match="has no job"):
        said("fingerprint", "new", "--job", "other")


def test_a_job_of_the_same_name_in_another_project_is_another_job(state: Path) -> None:
    for number in range(3):
        run(state, number, build("unit", Outcome.SUCCESS), "ERROR: the pool is empty", project="other/app")
    run(state, 5, build("unit", Outcome.FAILURE, BAD), "ERROR: the pool is empty")
    told = said("fingerprint", "new", "--bug", "7")
    assert "# true of 1 of 1 builds of unit that failed, of 0 of 0 that passed" in told
    assert "# also of 3 builds of other/app unit SUCCESS" in told


def test_one_that_is_true_of_passing_builds_is_refused(state: Path) -> None:
    for number in range(4):
        run(state, number, build("unit", Outcome.SUCCESS), "ERROR: everybody says this")
    run(state, 5, build("unit", Outcome.FAILURE, BAD), "ERROR: everybody says this")
    with pytest.raises(InputError, match="true of builds that passed"):
        said("fingerprint", "new", "--bug", "7")
    assert not (state / "config").exists()


def test_faults_are_told_with_their_places(state: Path) -> None:
    folder = state / "queries"
    folder.mkdir()
    (folder / "1.yaml").write_text('query: message:"a" OR message:"b"\n')
    (folder / "2.yaml").write_text("query: 'message:'\n")
    (folder / "3.yaml").write_text("query: tags:console\n")
    result = CliRunner().invoke(
        gatelocal, ["fingerprint", "check", str(folder), "--show", "lucene"], standalone_mode=False
    )
    assert isinstance(result.exception, ConfigurationError)
    lines = result.output.splitlines()
    assert lines[0] == f"{folder}/2.yaml:1: query: a word or a phrase is missing (character 9, at the end)"
    assert "1: character 24: " in lines[1] and "appended" in lines[1]
    assert lines[2] == '1: ((message:"a" OR message:"b") AND voting:"1")'
    assert "3: it needs no word" in lines[3]
    assert lines[-1] == "2 fingerprints read, 2 faults"


def test_without_a_folder_it_is_told_where_there_could_be_one(state: Path) -> None:
    with pytest.raises(InputError, match="no folder of fingerprints"):
        said("fingerprint", "check")
