"""Whether commits apply: the short way by files and the merge, commit by commit, come to the same."""

from __future__ import annotations

import pytest

from git_review.git import applies
from git_review.git.errors import MergeConflict
from git_review.git.repo import locate
from tests.git_review.conftest import Clone

CASES = {
    "apart": ([{"mine": "1"}, {"dir/mine": "2"}], {"theirs": "1"}, True),
    "the same file": ([{"base.txt": "one\ntwo\nthree\nfour\n"}], {"base.txt": "zero\none\ntwo\nthree\n"}, False),
    "a file where a folder is": ([{"thing": "1"}], {"thing/deep/file": "1"}, False),
    "a folder where a file is": ([{"thing/deep/file": "1"}], {"thing": "1"}, False),
    "there and back": ([{"base.txt": "mine\n"}, {"base.txt": "one\ntwo\nthree\n"}], {"base.txt": "x\n"}, False),
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
    try:
        whole = applies.check_applies(clone.git, locate(clone.git), target)
    except MergeConflict:
        assert quick is None
    else:
        assert quick in (None, whole)


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
