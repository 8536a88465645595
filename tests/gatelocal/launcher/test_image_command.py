"""`gatelocal image`: what is there, what goes, and what it is told when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.image import image
from gatelocal.errors import ConfigurationError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path))
    for name, parts in {"debian-bookworm-0123": ("rootfs", "kernel"), "debian-trixie-4567": ()}.items():
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        (folder / "lock").touch()
        for part in parts:
            (folder / part).mkdir()
    return tmp_path / "images"


def test_list_names_images_and_their_parts(cache: Path) -> None:
    lines = CliRunner().invoke(image, ["list"]).output.splitlines()
    assert lines == ["debian-bookworm-0123  rootfs kernel", "debian-trixie-4567  nothing built"]


def test_delete_takes_the_images_of_one_label(cache: Path) -> None:
    result = CliRunner().invoke(image, ["delete", "debian-bookworm"])
    assert result.output == "removed debian-bookworm-0123\n"
    assert [each.name for each in cache.iterdir()] == ["debian-trixie-4567"]


def test_delete_all(cache: Path) -> None:
    assert CliRunner().invoke(image, ["delete", "--all"]).exit_code == 0
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("arguments", [["delete"], ["delete", "debian-bookworm", "--all"]])
def test_delete_wants_one_choice(cache: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(image, arguments).exit_code == 2
    assert len(list(cache.iterdir())) == 2


def test_build_of_an_unknown_label_names_the_known_ones(cache: Path) -> None:
    error = CliRunner().invoke(image, ["build", "windows-95"]).exception
    assert isinstance(error, ConfigurationError)
    assert "debian-bookworm" in error.hint
