"""Merges that git itself made in a real history, replayed: the same trees."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks import merge as benchmark
from git_review.git.runner import Runner

SEED = 20261121
MERGES = 12


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which topics edit, rename, delete and add files and are merged by `git merge`."""
    path = tmp_path_factory.mktemp("history")
    git = Runner(path, alone=True, environment={"GIT_AUTHOR_DATE": "@1700000000 +0000"})
    git.run("init", "-q", "--template=", "--initial-branch=main")
    for key, value in {"user.name": "A", "user.email": "a@example.org", "core.hooksPath": "/dev/null"}.items():
        git.run("config", key, value)
    for name in ("alpha", "beta", "gamma", "delta"):
        (path / name).write_text("".join(f"{name} {line}\n" for line in range(60)))
    git.run("add", ".")
    git.run("commit", "-qm", "Start")
    chance = random.Random(SEED)  # noqa: S311 - no secret
    for place in range(MERGES):
        git.run("checkout", "-q", "-b", f"topic{place}", f"HEAD~{chance.randrange(min(place, 2) + 1)}")
        _edit(path, git, chance, place, range(0, 25))
        git.run("checkout", "-q", "main")
        _edit(path, git, chance, 100 + place, range(35, 60))
        git.run("merge", "-q", "--no-ff", "-m", f"Merge topic{place}", f"topic{place}")
    return path


def _edit(path: Path, git: Runner, chance: random.Random, place: int, lines: range) -> None:
    """One commit that touches only its part of the common files, so that no merge needs a person."""
    (path / f"new{place}").write_text(f"{place}\n" * 20)
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("new"))
    file = chance.choice(files)
    text = file.read_text().splitlines(keepends=True)
    text[chance.choice(lines)] = f"edited in {place}\n"
    file.write_text("".join(text))
    if place >= 100 and place % 3 == 0:
        file.rename(file.with_name(f"{file.name}-moved"))
    git.run("add", "-A")
    git.run("commit", "-qm", f"Edit {place}")


@pytest.mark.live
def test_every_tree_is_the_one_that_landed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Runner(repository, alone=True).query("count-objects", "-v").text
    assert benchmark.main(["--repo", str(repository), "--limit", "1000", "--mode", "merge-ort"]) == 0
    told = capsys.readouterr().out
    assert f"identical trees         {MERGES}\n" in told
    assert Runner(repository, alone=True).query("count-objects", "-v").text == before


def test_a_merge_that_somebody_edited_is_found(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git = Runner(repository, alone=True)
    tree = git.query("rev-parse", "HEAD~1^{tree}").text
    evil = git.run("commit-tree", tree, "-p", "HEAD^1", "-p", "HEAD^2", "-m", "Merge, edited").text
    options = ["--repo", str(repository), "--limit", "1000", "--mode", "merge-ort"]
    assert benchmark.main([*options, "--revision", evil, "--last", "2"]) == 1
    assert f"different {evil}" in capsys.readouterr().out


def test_a_queue_of_changes_is_measured(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--repo", str(repository), "--queue", "2", "--rounds", "1", "--limit", "1000"]) == 0
    assert "identical trees         2\n" in capsys.readouterr().out
