"""By which commit a change came to be on its branch, whatever the server makes of it on landing it."""

from __future__ import annotations

import os
import subprocess

import pytest

from gatelocal.server.landing import landed_as
from git_review.git.runner import Runner

_MAKE = """
git init -q --initial-branch=master "$1"; cd "$1"
c() { echo "$1" > "$1"; git add "$1"; git commit -q -m "$1"; git tag "$1"; }
c base
git checkout -q -b side; c change; c child
git checkout -q master; c before
git merge -q --no-ff -m merged change; git tag merge
git merge -q --no-ff -m merged child; git tag second-merge
c after
git checkout -q -b picked before; git cherry-pick change >/dev/null; git tag pick; c later
"""


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("landing") / "repository"
    names = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        ["sh", "-ec", _MAKE, "sh", str(folder)], check=True, env={**os.environ, **names}, capture_output=True
    )
    return Runner(folder, alone=True)


@pytest.mark.parametrize(
    ("tip", "commits", "landed"),
    [
        ("after", ("change", "change"), "merge"),
        ("after", ("child",), "second-merge"),
        ("merge", ("change",), "merge"),
        ("later", ("pick", "change"), "pick"),
        ("child", ("change",), "change"),
        ("before", ("change",), ""),
        ("later", ("child",), ""),
    ],
)
def test_the_commit_of_the_branch_s_own_line(git: Runner, tip: str, commits: tuple[str, ...], landed: str) -> None:
    def of(name: str) -> str:
        return git.query("rev-parse", f"{name}^{{commit}}").text

    found = landed_as(git, of(tip), [of(one) for one in commits])
    assert (found.commit if found is not None else "") == (of(landed) if landed else "")
    if found is not None:
        assert found.tree == git.query("rev-parse", f"{landed}^{{tree}}").text
        assert found.before == git.query("rev-parse", f"{landed}^1").text
