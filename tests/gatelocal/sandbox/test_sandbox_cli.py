"""`gatelocal sandbox` where no Gerrit runs: what it says, how it ends, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatelocal.cli.sandbox import places, sandbox
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.sandbox.server import Server, save
from gatelocal.sandbox.site import MARK


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path))
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path / "cache"))
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(sandbox, list(args))


def dead(state: Path, *, ready: bool = True) -> Path:
    folder = state / "sandbox"
    folder.mkdir(mode=0o700)
    (folder / MARK).touch()
    (folder / "gerrit.log").write_text("OutOfMemoryError\n")
    save(Server(folder, "3.9.4", 1, 2, 2**22 + 1, ready))
    return folder


def test_no_sandbox(state: Path) -> None:
    result = call("status")
    assert isinstance(result.exception, InfrastructureError)
    assert result.exception.brief == "there is no sandbox"
    assert call("down").output == "there is no sandbox\n"
    assert isinstance(call("project", "demo/app").exception, InfrastructureError)


def test_a_dead_one_is_noticed_and_shows_its_last_words(state: Path) -> None:
    dead(state)
    result = call("status")
    assert isinstance(result.exception, InfrastructureError)
    assert result.exception.brief == "the sandbox (Gerrit 3.9.4) has died"
    assert result.exception.details == "OutOfMemoryError"


def test_down_removes_what_a_dead_one_left(state: Path) -> None:
    folder = dead(state, ready=False)
    assert call("down").output == "the sandbox is stopped and removed\n"
    assert not folder.exists()


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_folder_of_somebody_else_is_left_alone(state: Path, command: str) -> None:
    (state / "sandbox").mkdir()
    (state / "sandbox" / "thesis.tex").touch()
    result = call(command)
    assert isinstance(result.exception, InputError)
    assert (state / "sandbox" / "thesis.tex").exists()


def test_an_unknown_version_is_a_usage_error_that_names_the_known_ones(state: Path) -> None:
    result = call("up", "--version", "2.16")
    assert result.exit_code == 2
    assert "3.13.0" in result.output


def test_places_come_from_the_environment(tmp_path: Path) -> None:
    found = places({"GATELOCAL_CACHE": "/c", "M2_REPO": "/m", "JAVA_HOME": "/j", "GERRIT_WAR": "g.war"})
    assert (found.cache, found.repositories, found.java_home) == (Path("/c/sandbox"), (Path("/m"),), "/j")
    assert found.war == Path.cwd() / "g.war"
    assert places({}).war is None
