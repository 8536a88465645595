"""What `run --hold`, `shell` and `hold` take; records are real, nothing is run but what a test holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from gatelocal.cli import run as run_module
from gatelocal.cli.main import gatelocal
from gatelocal.cli.run import run
from gatelocal.launcher import place
from gatelocal.model.hold import Hold
from tests.gatelocal.launcher.test_holds import hold as held


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path))
    return tmp_path / "nodes"


def said(*words: str) -> str:
    done = CliRunner().invoke(gatelocal, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("words", "hold", "change"),
    [
        ([], None, "HEAD"),
        (["--hold"], "failure", "HEAD"),
        (["--hold", "1234"], "failure", "1234"),
        (["--hold", "always", "1234"], "always", "1234"),
        (["--hold=never"], "never", "HEAD"),
        (["--hold", "-q"], "failure", "HEAD"),
        (["--", "--hold"], None, "--hold"),
    ],
)
def test_hold_alone_means_failure(words: list[str], hold: str | None, change: str) -> None:
    found = run.make_context("run", list(words)).params
    assert (found["hold"], found["change"]) == (hold, change)


def test_another_word_behind_an_equals_sign_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="sometimes"):
        run.make_context("run", ["--hold=sometimes"])


@pytest.mark.parametrize(
    ("ins", "err", "hold"),
    [(True, True, Hold.FAILURE), (False, True, Hold.NEVER), (True, False, Hold.NEVER)],
)
def test_in_a_terminal_a_failure_is_held(monkeypatch: pytest.MonkeyPatch, ins: bool, err: bool, hold: Hold) -> None:
    for name, is_one in (("stdin", ins), ("stderr", err)):
        monkeypatch.setattr(sys, name, SimpleNamespace(isatty=lambda is_one=is_one: is_one))
    assert run_module._hold(None) is hold
    assert run_module._hold("always") is Hold.ALWAYS


def test_the_list_says_all_of_a_hold(state: Path) -> None:
    assert said("hold", "list") == "no node is held\n"
    folder = held(state, since=time.time())
    head, line = said("hold", "list").splitlines()
    assert head.split() == ["NODE", "RUN", "JOB", "CHANGE", "SINCE", "UNTIL", "DISK"]
    words = line.split()
    assert words[:5] == [folder.name, "20260101-120000-abcdef", "unit", "p", "1,2"] and words[-1] == "MiB"
    assert words[5] < words[7] and words[6] == words[8]


def test_a_hold_is_extended_and_released(state: Path) -> None:
    first, second = held(state, "run-1", since=1000.0), held(state, "run-2", since=2000.0)
    before = time.time()
    assert second.name in said("hold", "extend", "--for", "2h")
    record = place.read(second)
    assert record is not None and before + 7200 <= record.until <= time.time() + 7200
    assert first.name in said("hold", "extend", "run-1")
    longer = place.read(first)
    assert longer is not None and before + 86400 <= longer.until <= time.time() + 86400
    assert said("hold", "release", "run-1") == f"{first.name} is returned\n"
    assert said("hold", "release", "--all") == f"{second.name} is returned\n"
    assert list(state.iterdir()) == []


def test_behind_two_dashes_stands_a_command(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = held(state)
    ran: list[tuple[str, ...]] = []

    def attach(argv: tuple[str, ...]) -> int:
        assert place.is_entered(folder)
        ran.append(argv)
        return 7

    monkeypatch.setattr("gatelocal.process.attach", attach)
    invoke: Callable[..., object] = lambda *words: gatelocal.main([*words], standalone_mode=False)  # noqa: E731
    assert invoke("shell", "--", "tox", "-e", "py3", "--", "--key") == 7
    assert ran[-1][-5:] == ("tox", "-e", "py3", "--", "--key")
    assert invoke("shell", folder.name, "--repeat") == 7
    assert ran[-1][-3:] == ("sh", "-c", "exit 3")
    assert not place.is_entered(folder)
