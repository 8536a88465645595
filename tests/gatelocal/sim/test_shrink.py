"""A violation in a random world is shrunk to a small scenario file that shows the same, and the command says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from gatelocal.cli.simulate import simulate
from gatelocal.pipeline.state import Item
from gatelocal.sim import chance, dice
from gatelocal.sim.chance import Finding
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import read
from gatelocal.sim.shrink import as_file, shrunk

KNOWN = chance.layouts()


def blind(item: Item) -> bool:
    """What stands for the check that all voting jobs are green, with a mistake in it."""
    return bool(item.runs)


@pytest.fixture(name="mistaken")
def _mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red jobs do not count when an item lands."""
    monkeypatch.setattr("gatelocal.pipeline.land.all_green", blind)


def first_finding() -> Finding:
    for number in range(200):
        found = chance.tried(dice.world(f"shrink/{number}", "classic"), KNOWN, deep=False)
        if found.violations:
            return found
    raise AssertionError("no world has shown it")


@pytest.mark.live
@pytest.mark.usefixtures("mistaken")
def test_it_is_shrunk_to_a_file_that_shows_the_same(tmp_path: Path) -> None:
    found = first_finding()
    small = shrunk(found)
    path = tmp_path / "small.yaml"
    path.write_text(as_file(small), encoding="utf-8")
    game = play(read(path))
    assert game.violations
    assert set(game.violations) == set(small.violations)
    assert len(small.world["steps"]) <= 3
    assert len(small.world["changes"]) <= 2
    jobs = [one for one in small.world["layout"] if "job" in one]
    assert len(jobs) <= 3


@pytest.mark.live
def test_the_file_shows_nothing_once_the_mistake_is_gone(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as planted:
        planted.setattr("gatelocal.pipeline.land.all_green", blind)
        text = as_file(shrunk(first_finding()))
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    game = play(read(path))
    assert (game.violations, game.failed) == ([], [])


def raising(item: Item) -> bool:
    """What stands for the same check, with another mistake in it."""
    raise KeyError(item.id)


@pytest.mark.live
def test_an_exception_in_a_rule_is_found_and_shrunk_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatelocal.pipeline.land.all_green", raising)
    small = shrunk(first_finding())
    assert len(small.world["steps"]) <= 2
    assert len(small.world["changes"]) == 1
    (text,) = small.violations
    assert text.startswith("decide._progress → decide._done → land.conclude ended with KeyError (")
    path = tmp_path / "small.yaml"
    path.write_text(as_file(small), encoding="utf-8")
    result = CliRunner().invoke(simulate, [str(path)], standalone_mode=False)
    assert result.return_value == 1
    assert "ended with KeyError" in result.stdout


def test_the_command_ends_with_1_for_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatelocal.pipeline.land.all_green", raising)
    result = CliRunner().invoke(simulate, ["--random", "20", "--policy", "classic"], standalone_mode=False)
    assert result.return_value == 1
    assert "ended with KeyError" in result.stderr


@pytest.mark.usefixtures("mistaken")
def test_the_command_prints_the_file_and_ends_with_1() -> None:
    result = CliRunner().invoke(
        simulate, ["--random", "50", "--seed", "shrink", "--policy", "classic"], standalone_mode=False
    )
    assert result.return_value == 1
    assert yaml.safe_load(result.stdout)["about"]
    assert "FAILED" in result.stderr


def test_the_command_says_that_nothing_was_found() -> None:
    result = CliRunner().invoke(simulate, ["--random", "5"], standalone_mode=False)
    assert result.return_value == 0
    assert "5 random worlds, seed 0: no violation" in result.stdout
