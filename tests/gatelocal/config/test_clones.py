"""Copies of configuration repositories: several commands at once, what a crash leaves, a disk that is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatelocal.config import clones as module
from gatelocal.config.clones import Clones
from gatelocal.config.repositories import heads
from gatelocal.errors import NoSpace
from git_review.git.errors import GitFailed
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer


class Copies:
    """One project on a server, and where its copy is to be."""

    def __init__(self, folder: Path) -> None:
        self.server = GitServer(folder / "server")
        self.first = self.server.create("p", {"zuul.yaml": "- job: {name: a}\n"})
        self.folder = folder / "clones"
        self.said: list[str] = []

    def get(self) -> Path:
        return Clones(self.folder, self.said.append).get("p", f"file://{self.server.path('p')}")

    def old(self) -> Path:
        """A copy that has to be brought up to date, with what is new on the server."""
        path = self.get()
        os.utime(path / "gatelocal-fetched", (0, 0))
        self.server.commit("p", "refs/heads/main", (self.first,), {"b": "1\n"})
        self.said.clear()
        return path


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path)


@pytest.mark.parametrize("old", [False, True])
def test_several_at_once_fetch_once(copies: Copies, old: bool) -> None:
    if old:
        copies.old()
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: copies.get(), range(6)))
    assert len(found) == 1
    assert heads(found.pop()).commits == {"main": copies.server.tip("p")}
    assert len([line for line in copies.said if line.startswith("fetching")]) == 1
    assert not [line for line in copies.said if "older copy" in line]


@pytest.mark.parametrize(
    "crash",
    [
        lambda path: (path / "shallow.lock").write_text(""),
        lambda path: (path / "refs/heads/main.lock").write_text(""),
        lambda path: [pack.write_bytes(b"") for pack in path.glob("objects/pack/*.pack") if pack.chmod(0o644) is None],
    ],
    ids=["shallow", "ref", "pack"],
)
def test_what_a_crash_leaves_is_no_server_that_does_not_answer(copies: Copies, crash: Callable[[Path], object]) -> None:
    path = copies.old()
    crash(path)
    assert heads(copies.get()).commits == {"main": copies.server.tip("p")}
    Runner(path, alone=True).query("rev-list", "--objects", "main")
    assert not [line for line in copies.said if "older copy" in line]


def test_nothing_of_a_process_that_was_killed_stays(copies: Copies) -> None:
    path = copies.get()
    path.rename(path.with_suffix(".new"))
    assert copies.get() == path
    assert sorted(each.suffix for each in copies.folder.iterdir()) == [".git", ".lock"]


def test_a_full_disk_is_told_as_one(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise GitFailed(["git", "fetch"], 128, "fatal: write error: No space left on device")

    path = copies.old()
    monkeypatch.setattr(module.Clones, "_fetch", full)
    assert copies.get() == path
    assert copies.said == [f"p: the disk of {copies.folder} is full, an older copy is used"]
    path.rename(copies.folder / "away")
    with pytest.raises(NoSpace, match="fetching p: the disk is full"):
        copies.get()
