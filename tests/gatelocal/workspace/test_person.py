"""Trees for a person: whatever is the person's stays, all the rest is brought up to date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InputError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from gatelocal.workspace.manifest import Tree, Wanted, tree
from gatelocal.workspace.person import arrange
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

APP = "demo/app"
PERSON = ("-c", "user.name=A", "-c", "user.email=a@example.org")
MINE = {
    "an edit": ("rm", "-q", "README"),
    "a commit": (*PERSON, "commit", "-q", "--allow-empty", "-m", "Mine"),
    "a branch": ("branch", "mine"),
    "a checkout": ("checkout", "-q", "stable"),
    "no branch": ("checkout", "-q", "--detach"),
    "a merge": ("update-ref", "MERGE_HEAD", "HEAD"),
}


class Trees:
    """One project, and the folder that its tree is to be in."""

    def __init__(self, folder: Path) -> None:
        self.server = GitServer(folder / "server")
        first = self.server.create(APP, {"README": "one\n", ".gitignore": "*.o\n"})
        self.server.git(APP).run("branch", "stable", first)
        self.merger = Merger(Cache(folder / "cache"), self.server.remote)
        self.root = folder / "made"
        self.path = self.root / APP
        self.git = Runner(self.path, alone=True)

    def now(self) -> Tree:
        return tree(Wanted("h", "main"), self.merger.freeze(APP, ["main"]), [], APP)

    def arrange(self, *trees: Tree) -> list[str]:
        said: list[str] = []
        arrange(trees, {one.project: self.merger.repository(APP) for one in trees}, self.root, said.append)
        return said


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trees:
    monkeypatch.setenv("HOME", str(tmp_path))
    return Trees(tmp_path)


def test_nothing_of_the_persons_is_touched(trees: Trees) -> None:
    old = trees.now()
    trees.arrange(old)
    trees.server.commit(APP, "refs/heads/main", (old.commit,), {"later": "1\n", "README": None})
    new = trees.now()
    for what, command in MINE.items():
        trees.git.run(*command)
        before = {path: path.read_bytes() for path in trees.path.rglob("*") if path.is_file() and path.name != "index"}
        with pytest.raises(InputError) as caught:
            trees.arrange(replace(new, project="demo/other", path="demo/other"), new)
        assert f"{trees.path} has something of yours in it" in caught.value.brief, what
        assert {path: path.read_bytes() for path in before} == before
        trees.git.run("update-ref", "-d", "MERGE_HEAD")
        trees.git.run("checkout", "-qf", "-B", "main", old.commit)
        trees.git.run("branch", "-D", "mine", ok=(0, 1))
    (trees.path / "mine").write_text("a new file\n")
    with pytest.raises(InputError, match="mine"):
        trees.arrange(new)
    assert not (trees.root / "demo/other").exists()


def test_the_rest_is_brought_up_to_date(trees: Trees) -> None:
    old = trees.now()
    trees.arrange(old)
    trees.git.run("tag", "mine")
    trees.git.run("update-ref", "refs/notes/mine", "HEAD")
    (trees.path / "build.o").write_text("ignored\n")
    assert trees.arrange(old) == [f"{APP} is as it should be in {trees.path}"]
    trees.server.commit(APP, "refs/heads/main", (old.commit,), {"later": "1\n", "README": None})
    trees.server.git(APP).run("branch", "-D", "stable")
    new = trees.now()
    trees.arrange(new)
    assert {path.name for path in trees.path.iterdir()} == {".git", ".gitignore", "later", "build.o"}
    assert trees.git.query("rev-parse", "HEAD", "mine", "refs/notes/mine").lines == [new.commit, old.commit, old.commit]
    assert trees.git.query("branch", "-a", "--format=%(refname)").lines == [
        "refs/heads/main",
        "refs/remotes/origin/main",
    ]
    assert not trees.git.query("status", "--porcelain").text


def test_a_folder_of_another_kind_or_project(trees: Trees) -> None:
    now = trees.now()
    trees.path.mkdir(parents=True)
    (trees.path / "mine").write_text("1\n")
    with pytest.raises(InputError, match="is there already and was not made for demo/app"):
        trees.arrange(now)
    assert [path.name for path in trees.path.iterdir()] == ["mine"]
    (trees.path / "mine").unlink()
    trees.arrange(now)
    with pytest.raises(InputError, match="was not made for demo/other"):
        trees.arrange(replace(now, project="demo/other"))
