"""Which folders a workspace may go into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatelocal.errors import InputError
from gatelocal.workspace.folder import check


def made(folder: Path, **mark: str) -> None:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "gatelocal.json").write_text(json.dumps(mark))


@pytest.mark.parametrize(
    ("place", "mark"),
    [
        (".", {"project": "demo/app", "path": "."}),
        ("demo/app", {"project": "demo/app", "path": "demo/app"}),
        ("a/b/c/app", {"project": "demo/app", "path": "a/b/c/app"}),
        ("demo/app", {"project": "demo/app"}),
        ("app", {"project": "demo/app"}),
        ("src/h/demo/app", {"project": "demo/app"}),
    ],
)
def test_an_earlier_workspace(place: str, mark: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InputError):
        check(tmp_path)
    made(tmp_path / place, **mark)
    check(tmp_path)
    if place != ".":
        with pytest.raises(InputError):  # what is in a folder of it is a workspace of that one alone
            check(tmp_path.parent)


def test_new_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    check(tmp_path)
    check(tmp_path / "not" / "there")


def test_the_refusal_says_what_where_and_what_next(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"f{number}").write_text("")
    with pytest.raises(InputError) as caught:
        check(tmp_path)
    error = caught.value
    assert error.brief == f"{tmp_path} is not empty, and no workspace of gatelocal"
    assert error.details.splitlines() == ["f0", "f1", "f2", "f3", "f4", "... and 5 more"]
    assert str(tmp_path / "workspace") in error.hint


def test_the_root_of_a_machine_is_none() -> None:
    with pytest.raises(InputError, match="/ is not empty"):
        check(Path("/"))
