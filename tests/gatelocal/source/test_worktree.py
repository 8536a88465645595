"""Local commits as changes, out of real repositories that stay as they were."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from gatelocal.errors import ConflictError, InputError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.source.worktree import LIMIT, Target, WorktreeSource, uncommitted
from git_review.git.runner import Runner

TARGET = Target("demo/app", "main", "refs/remotes/origin/main")
CHANGE_ID = "I" + "5" * 40


class Elsewhere:
    """A server that knows one change."""

    known = Change("demo/lib", "main", "1" * 40, "S\n", ChangeStatus.NEW, number=7, patchset=1)

    def change(self, name: str) -> Change:
        return self.known

    def parents(self, change: Change) -> tuple[Change, ...]:
        return (self.known,)

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        return (self.known,)


def commit(git: Runner, name: str, text: str = "1\n", message: str = "") -> str:
    assert git.directory is not None
    (git.directory / name).write_text(text)
    git.run("add", name)
    git.run("commit", "-qm", message or f"Add {name}")
    return git.query("rev-parse", "HEAD").text


@pytest.fixture(scope="session")
def work_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of a repository with one commit."""
    folder = tmp_path_factory.mktemp("worktree")
    git = Runner(folder, alone=True)
    git.run("init", "-q", "--initial-branch=main", "upstream")
    upstream = Runner(folder / "upstream", alone=True)
    _identify(upstream)
    commit(upstream, "README")
    git.run("clone", "-q", "upstream", "work")
    _identify(Runner(folder / "work", alone=True))
    return folder


def _identify(git: Runner) -> None:
    git.run("config", "user.name", "A")
    git.run("config", "user.email", "a@example.org")


@pytest.fixture
def folder(work_template: Path, tmp_path: Path) -> Path:
    shutil.copytree(work_template, tmp_path / "all", symlinks=True)
    return tmp_path / "all"


@pytest.fixture
def git(folder: Path) -> Runner:
    return Runner(folder / "work", alone=True)


def source(folder: Path) -> WorktreeSource:
    return WorktreeSource(folder / "work", TARGET, Elsewhere())


def fingerprint(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file of a repository and its tree: content and time of the last change."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def test_a_series_oldest_first(folder: Path, git: Runner) -> None:
    first = commit(git, "a", message=f"First\n\nBody.\n\nChange-Id: {CHANGE_ID}\n")
    second = commit(git, "b")
    third = commit(git, "c")
    work = source(folder)
    change = work.change("HEAD")
    assert (change.commit, change.status, change.change_id) == (third, ChangeStatus.LOCAL, None)
    assert (change.project, change.branch, change.subject) == ("demo/app", "main", "Add c")
    parents = work.parents(change)
    assert [parent.commit for parent in parents] == [first, second]
    assert parents[0].change_id == CHANGE_ID
    assert work.parents(parents[0]) == ()
    assert [parent.commit for parent in source(folder).parents(parents[1])] == [first]
    assert work.change(second[:12]).commit == second
    assert work.change("HEAD~2").commit == first


def test_a_merge_of_ones_own_brings_both_sides(folder: Path, git: Runner) -> None:
    git.run("checkout", "-q", "-b", "side")
    side = commit(git, "side")
    git.run("checkout", "-q", "main")
    main = commit(git, "mine")
    git.run("merge", "-q", "--no-ff", "-m", "Merge", "side")
    work = source(folder)
    assert {parent.commit for parent in work.parents(work.change("HEAD"))} == {side, main}


def test_below_a_folder_of_the_work_tree_and_in_a_linked_one(folder: Path, git: Runner) -> None:
    sha = commit(git, "a")
    (folder / "work/deep/er").mkdir(parents=True)
    assert WorktreeSource(folder / "work/deep/er", TARGET).change("HEAD").commit == sha
    git.run("worktree", "add", "-q", "--detach", str(folder / "linked"))
    linked = WorktreeSource(folder / "linked", TARGET).change("HEAD")
    assert linked.commit == sha


def test_what_is_no_local_commit_is_asked_of_the_server(folder: Path, git: Runner) -> None:
    commit(git, "a")
    assert source(folder).dependencies("https://x/7") == (Elsewhere.known,)
    assert source(folder).parents(Elsewhere.known) == (Elsewhere.known,)
    alone = WorktreeSource(folder / "work", TARGET)
    for ask in (lambda: alone.dependencies("https://x/\x1b[2J7"), lambda: alone.parents(Elsewhere.known)):
        with pytest.raises(InputError, match="no Gerrit is known") as caught:
            ask()
        assert "\x1b" not in caught.value.brief


def test_edits_are_seen_and_are_no_part_of_the_change(folder: Path, git: Runner) -> None:
    commit(git, "a")
    assert not uncommitted(git)
    (folder / "work/new").write_text("1\n")
    assert uncommitted(git)
    git.run("add", "new")
    assert uncommitted(git)
    assert source(folder).change("HEAD").subject == "Add a"


def test_the_repository_stays_as_it_was(folder: Path, git: Runner, tmp_path: Path) -> None:
    commit(git, "a")
    commit(git, "b")
    (folder / "work/README").write_text("edited\n")
    (folder / "work/a").touch()  # a refresh of the index would show
    before = fingerprint(folder)
    work = source(folder)
    change = work.change("HEAD")
    changes = [*work.parents(change), change]
    assert uncommitted(git)
    merger = Merger(Cache(tmp_path / "cache"), lambda name: Remote(name, str(folder / "upstream"), folder / "work"))
    merger.release(merger.merge(changes))
    clash = Change("demo/app", "main", commit(Runner(_other(folder), alone=True), "a", "2\n"), "S\n")
    merger = Merger(Cache(tmp_path / "cache"), lambda name: Remote(name, str(folder / "upstream"), folder / "other"))
    with pytest.raises(ConflictError, match=r"in a$"):
        merger.merge([*changes, clash])
    shutil.rmtree(folder / "other")
    assert fingerprint(folder) == before


def _other(folder: Path) -> Path:
    """One more clone, one commit behind."""
    Runner(folder, alone=True).run("clone", "-q", "upstream", "other")
    _identify(Runner(folder / "other", alone=True))
    return folder / "other"


def refusal(directory: Path, name: str = "HEAD", target: Target = TARGET) -> InputError:
    with pytest.raises(InputError) as caught:
        WorktreeSource(directory, target).change(name)
    assert caught.value.exit_code == 2
    return caught.value


def test_no_repository(tmp_path: Path) -> None:
    assert "not in a git repository" in refusal(tmp_path).brief
    assert "not in a git repository" in refusal(tmp_path / "gone").brief


def test_no_commit_yet(tmp_path: Path) -> None:
    Runner(tmp_path, alone=True).run("init", "-q", "empty")
    assert "has no commit yet" in refusal(tmp_path / "empty").brief


def test_a_bare_repository(folder: Path) -> None:
    Runner(folder, alone=True).run("clone", "-q", "--bare", "upstream", "bare.git")
    assert "bare repository" in refusal(folder / "bare.git").brief


def test_a_shallow_clone(folder: Path, git: Runner) -> None:
    commit(git, "a")
    Runner(folder, alone=True).run("clone", "-q", "--depth=1", f"file://{folder}/work", "shallow")
    error = refusal(folder / "shallow")
    assert "shallow" in error.brief
    assert "--unshallow" in error.hint


@pytest.mark.parametrize(
    "name", ["nope", "--all", "", "HEAD^{tree}", "1" * 40, "a\x1b[2Jb", "HEAD\nHEAD", "HEAD..HEAD"]
)
def test_no_such_commit(name: str, folder: Path) -> None:
    error = refusal(folder / "work", name)
    assert "there is no commit" in error.brief
    assert "\x1b" not in error.brief


def test_no_tracking_branch(folder: Path, git: Runner) -> None:
    commit(git, "a")
    error = refusal(folder / "work", target=Target("demo/app", "main", "refs/remotes/gerrit/main"))
    assert "no refs/remotes/gerrit/main" in error.brief
    assert "git fetch" in error.hint


def test_a_commit_that_has_landed_is_no_change(folder: Path) -> None:
    source = WorktreeSource(folder / "work", TARGET)
    found = source.change("HEAD")
    assert found.landed and found.subject and source.parents(found) == ()


def test_a_branch_that_it_was_never_meant_for(folder: Path, git: Runner) -> None:
    tip = git.query("rev-parse", "HEAD").text
    one = "commit refs/heads/long\ncommitter A <a@b> 1 +0000\ndata 1\nx\n"
    first = one.replace("data 1\nx\n", f"data 1\nx\nfrom {tip}\n")
    git.run("fast-import", "--quiet", stdin=first + one * LIMIT)
    assert f"more than {LIMIT} commits" in refusal(folder / "work", "long").brief
