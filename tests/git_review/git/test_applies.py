"""Whether commits apply: the short way by files and the merge, commit by commit, come to the same."""

from __future__ import annotations

import contextlib

import pytest

from git_review.git import applies, scratch
from git_review.git.errors import MergeConflict
from git_review.git.repo import locate
from git_review.git.runner import Runner
from tests.git_review.conftest import Clone

pytestmark = pytest.mark.live  # more seconds than the fast suite has

CASES = {
    "apart": ([{"mine": "1"}, {"dir/mine": "2"}], {"theirs": "1"}, True),
    "the same file": ([{"base.txt": "one\ntwo\nthree\nfour\n"}], {"base.txt": "zero\none\ntwo\nthree\n"}, False),
    "a file where a folder is": ([{"thing": "1"}], {"thing/deep/file": "1"}, False),
    "a folder where a file is": ([{"thing/deep/file": "1"}], {"thing": "1"}, False),
    "there and back": ([{"base.txt": "mine\n"}, {"base.txt": "one\ntwo\nthree\n"}], {"base.txt": "x\n"}, False),
    "beside one another": ([{"mine": "1"}, {"dir/sub/mine": "2"}], {"dir/sub/theirs": "1"}, True),
    "odd names": ([{"a\nb ü\t": "1"}, {"\x01": "1"}], {"c\nd": "1"}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_both_ways_agree(clone: Clone, case: str) -> None:
    series, theirs, short = CASES[case]
    for number, files in enumerate(series):
        for name in files:
            (clone.path / name).parent.mkdir(parents=True, exist_ok=True)
        clone.commit(f"commit {number}", files)
    target = clone.upstream(theirs)
    clone.git.run("fetch", "-q", "gerrit")
    base = clone.git.query("merge-base", target, "HEAD").text
    quick = applies._apart(clone.git, base, target)
    if short is not None:
        assert (quick is not None) is short
    clone.monkeypatch.setattr(applies, "_apart", lambda *_: None)
    whole = tried(clone, target)
    assert quick in (None, whole) if isinstance(whole, int) else quick is None
    clone.monkeypatch.setattr(scratch, "_in_memory", too_old)
    assert tried(clone, target) == whole, "the scratch work tree finds the same"


def tried(clone: Clone, target: str) -> int | tuple[str, tuple[str, ...]]:
    """How many commits apply; or the commit that does not, and its files."""
    try:
        return applies.check_applies(clone.git, locate(clone.git), target)
    except MergeConflict as conflict:
        # A file that had to make room is named after a side, which both ways name differently.
        return conflict.commit, tuple(name.partition("~")[0] for name in conflict.files)


def too_old(*_: object) -> str:
    raise scratch.GitTooOld("older than 2.38")


@pytest.mark.parametrize("kind", ["shallow", "sha256", "unrelated"])
def test_a_scratch_work_tree_for_odd_repositories(clone: Clone, kind: str) -> None:
    place, server = clone.path.parent / "odd", clone.path.parent / "bare"
    options = ("--object-format=sha256",) if kind == "sha256" else ()
    Runner().run("init", "-q", "--bare", "-b", "main", *options, str(server))
    Runner().run("init", "-q", "-b", "main", *options, str(place))
    clone.path, clone.git = place, Runner(place)
    clone.commit("base", {"base.txt": "one\n" * 9})
    clone.commit("second", {"base.txt": "one\n" * 8})
    clone.git.run("push", "-q", f"file://{server}", "main")
    if kind == "shallow":
        Runner().run("clone", "-q", "--depth=1", f"file://{server}", str(place.parent / "shallow"))
        clone.path, clone.git = place.parent / "shallow", Runner(place.parent / "shallow")
    base = clone.head()
    target = clone.commit("theirs", {"base.txt": "zero\n" + "one\n" * 8})
    if kind == "unrelated":
        clone.git.run("checkout", "-q", "--orphan", "other")
    else:
        clone.git.run("reset", "-q", "--hard", base)
    clone.commit("mine", {"base.txt": "one\n" * 8 + "two\n"})
    clone.monkeypatch.setattr(scratch, "_in_memory", too_old)
    if kind == "unrelated":
        with pytest.raises(applies.Unrelated):
            tried(clone, target)
    else:
        assert tried(clone, target) == 1


@pytest.mark.parametrize(("moved", "added"), [("dir", "dir/mine"), ("dir", "dir/sub/mine"), (".", "mine")])
def test_a_folder_that_was_renamed_takes_a_merge(clone: Clone, moved: str, added: str) -> None:
    (clone.path / "dir").mkdir()
    clone.commit("a folder", {"dir/one": "1\n" * 20, "dir/two": "2\n" * 20})
    base = clone.head()
    (clone.path / "else").mkdir()
    names = ["dir"] if moved == "dir" else ["dir", "base.txt", ".gitreview"]
    clone.git.run("mv", *names, "else")
    clone.git.run("commit", "-q", "-m", "moved")
    target = clone.head()
    clone.git.run("reset", "-q", "--hard", base)
    (clone.path / added).parent.mkdir(parents=True, exist_ok=True)
    clone.commit("mine", {added: "mine\n"})
    quick = applies._apart(clone.git, base, target)
    assert quick is None or moved == "."
    clone.monkeypatch.setattr(applies, "_apart", lambda *_: None)
    with contextlib.nullcontext() if quick else contextlib.suppress(MergeConflict):
        assert applies.check_applies(clone.git, locate(clone.git), target) == 1


def test_a_submodule_where_a_folder_is_made_takes_a_merge(clone: Clone) -> None:
    base = clone.head()
    clone.git.run("update-index", "--add", "--cacheinfo", f"160000,{base},thing")
    clone.git.run("commit", "-q", "-m", "a submodule")
    target = clone.head()
    clone.git.run("reset", "-q", "--hard", base)
    (clone.path / "thing").mkdir(exist_ok=True)
    clone.commit("mine", {"thing/mine": "1"})
    assert applies._apart(clone.git, base, target) is None


def test_gone_files_and_merges_take_a_merge(clone: Clone) -> None:
    base = clone.head()
    clone.git.run("mv", "base.txt", "moved.txt")
    clone.git.run("commit", "-qm", "move")
    target = clone.upstream({"base.txt": "theirs\n"})
    clone.git.run("fetch", "-q", "gerrit")
    assert applies._apart(clone.git, base, target) is None
    clone.git.run("reset", "-q", "--hard", base)
    clone.git.run("checkout", "-q", "-b", "side")
    clone.commit("side")
    clone.git.run("merge", "-q", "--no-ff", "-m", "merge", base)
    clone.git.run("checkout", "-q", "topic")
    clone.commit("mine")
    clone.git.run("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert applies._apart(clone.git, base, target) is None


def test_a_shallow_clone_does_not_tell_that_there_is_no_common_history(clone: Clone) -> None:
    target = clone.upstream({"theirs": "1"})
    clone.commit("mine", {"mine": "1"})
    clone.git.run("fetch", "-q", "--depth=1", f"file://{clone.git.query('remote', 'get-url', 'gerrit').text}", "main")
    with pytest.raises(applies.CannotTry, match="shallow"):
        applies.check_applies(clone.git, locate(clone.git), target)
