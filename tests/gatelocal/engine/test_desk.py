"""`gatelocal workspace` from end to end: a person's clone, a server of plain repositories, and git as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatelocal.cli.workspace import workspace
from gatelocal.errors import ConflictError, InputError
from git_review.errors import ReviewError
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP, LIB = "demo/app", "demo/lib"


class Desk:
    """A person in a clone of demo/app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = GitServer(folder / "server")
        review = "[gerrit]\nhost=review.example.org\nproject=demo/app\ndefaultbranch=main\ndefaultremote=origin\n"
        first = self.server.create(APP, {".gitreview": review, "README": "one\n", ".gitignore": "*.o\n"})
        self.server.commit(APP, "refs/heads/stable/1", (first,), {"STABLE": "1\n"})
        old = self.server.create(LIB, {"lib.py": "x = 1\n"}, branch="trunk")
        self.server.git(LIB).run("tag", "1.0.0", old)
        self.server.commit(LIB, "refs/heads/trunk", (old,), {"lib.py": "x = 2\n"})
        self.clone = folder / "clone"
        Runner(folder, alone=True).run("clone", "-q", str(self.server.path(APP)), str(self.clone))

    def commit(self, name: str) -> str:
        git = Runner(self.clone, alone=True)
        (self.clone / name).write_text("1\n")
        git.run("add", "--all")
        git.run("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", f"Add {name}")
        return git.query("rev-parse", "HEAD").text

    def make(self, *args: str) -> Result:
        done = CliRunner().invoke(workspace, [str(self.folder / "made"), *args], standalone_mode=False)
        if isinstance(done.exception, ReviewError):
            raise done.exception
        assert done.exception is None, done.exception
        return done

    def git(self, project: str) -> Runner:
        return Runner(self.folder / "made" / project, alone=True)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("HOME", "GATELOCAL_CACHE", "GATELOCAL_STATE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    made = Desk(tmp_path)
    monkeypatch.chdir(made.clone)
    return made


def test_local_commits_and_a_further_project(desk: Desk) -> None:
    below, top = desk.commit("below"), desk.commit("top")
    done = desk.make("HEAD", "--project", LIB)
    assert done.stdout.splitlines()[0].startswith(f"demo/app main {top[:12]} ")
    app, lib = desk.git(APP), desk.git(LIB)
    assert app.query("rev-parse", "HEAD", "origin/main").lines == [top, below]
    assert app.query("log", "--format=%s", "origin/main..main").lines == ["Add top"]
    assert lib.query("symbolic-ref", "HEAD").text == "refs/heads/trunk"
    assert lib.query("config", "remote.origin.url").text == str(desk.server.path(LIB))
    assert lib.run("fetch", "-q").status == 0
    assert lib.query("describe", "--tags").text.startswith("1.0.0-1-g")


def test_again_changes_nothing_and_later_it_follows(desk: Desk) -> None:
    desk.commit("one")
    desk.make("HEAD")
    index = desk.folder / "made" / APP / ".git" / "index"
    before = index.stat().st_mtime_ns
    desk.make("HEAD")
    assert index.stat().st_mtime_ns == before
    (desk.folder / "made" / APP / "build.o").write_text("ignored by git, of no account\n")
    tip = desk.server.commit(APP, "refs/heads/main", (desk.server.tip(APP),), {"later": "1\n", "README": None})
    desk.make("HEAD")
    files = {path.name for path in (desk.folder / "made" / APP).iterdir()}
    assert files == {".git", ".gitignore", ".gitreview", "one", "later", "build.o"}
    assert desk.git(APP).query("rev-parse", "origin/main").text == tip
    assert not desk.git(APP).query("status", "--porcelain").text


def test_what_is_the_persons_is_never_touched(desk: Desk) -> None:
    desk.commit("one")
    desk.make("HEAD")
    folder = desk.folder / "made" / APP
    (folder / "README").write_text("mine\n")
    desk.server.commit(APP, "refs/heads/main", (desk.server.tip(APP),), {"README": "theirs\n"})
    with pytest.raises(InputError, match="has something of yours in it:  M README"):
        desk.make("HEAD", "--project", LIB)
    assert (folder / "README").read_text() == "mine\n"
    assert not (desk.folder / "made" / LIB).exists()


def test_branches_tags_maps_and_layouts(desk: Desk) -> None:
    (desk.folder / "map").write_text("clonemap:\n- {name: demo/app, dest: .}\n- {name: 'demo/(.*)', dest: 'x/\\1'}\n")
    with pytest.raises(ReviewError, match="fits two rules"):
        desk.make("--project", APP, "--map", str(desk.folder / "map"))
    (desk.folder / "map").write_text("clonemap:\n- {name: demo/app, dest: .}\n- {name: '.*/l(.*)', dest: 'x/\\1'}\n")
    options = ["--project", APP, "--project", LIB, "--map", str(desk.folder / "map")]
    for _ in range(2):
        desk.make(*options, "--branch", "stable/1", "--project-branch", f"{LIB}=1.0.0")
    assert (desk.folder / "made/STABLE").exists()
    tag = desk.server.git(LIB).query("rev-parse", "1.0.0").text
    assert desk.git("x/ib").query("rev-parse", "HEAD").text == tag
    for name, said in (
        (f"{LIB}=nope", "no branch or tag nope"),
        ("demo/y=1", "no project of this"),
        ("x", "NAME=BRANCH"),
    ):
        with pytest.raises(InputError, match=said):
            desk.make("--project", LIB, "--project-branch", name)


def test_a_branch_that_no_project_has_is_told(desk: Desk) -> None:
    both = ("--project", APP, "--project", LIB, "--branch")
    told = "no project here has a branch"
    assert told not in desk.make(*both, "stable/1").stderr
    done = desk.make(*both, "nope")
    assert f"{told} nope" in done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [[APP, "main"], [LIB, "trunk"]]


def test_a_conflict_leaves_nothing(desk: Desk) -> None:
    desk.commit("one")
    desk.server.commit(APP, "refs/heads/main", (desk.server.tip(APP),), {"one": "theirs\n"})
    with pytest.raises(ConflictError):
        desk.make("HEAD")
    assert not (desk.folder / "made").exists()


def test_nothing_asked_for(desk: Desk) -> None:
    with pytest.raises(InputError, match="needs a change or a project"):
        desk.make()


def test_a_folder_with_other_things_in_it_is_refused_before_anything_is_fetched(desk: Desk) -> None:
    desk.commit("one")
    mine = desk.folder / "made" / "mine"
    mine.mkdir(parents=True)
    with pytest.raises(InputError, match="made is not empty, and no workspace of gatelocal"):
        desk.make("HEAD")
    assert list(mine.parent.iterdir()) == [mine]
    assert not (desk.folder / "GATELOCAL_CACHE").exists()
    mine.rmdir()
    desk.make("HEAD")
    mine.mkdir()
    desk.make("HEAD", "--project", LIB)
    assert desk.git(LIB).query("symbolic-ref", "HEAD").text == "refs/heads/trunk"
