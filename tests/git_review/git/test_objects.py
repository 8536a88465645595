"""Operations on commits and refs without a work tree, and what they say when git refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_review.git import objects
from git_review.git.errors import GitError, GitFailed, MergeConflict
from git_review.git.runner import Runner

WHO = "A <a@example.org> 1700000000 +0000"


@pytest.fixture
def git(tmp_path: Path) -> Runner:
    objects.alone(tmp_path).run("init", "-q", "--bare", "repo.git")
    return objects.alone(tmp_path / "repo.git")


def tree(git: Runner, **files: str) -> str:
    blobs = {name: git.run("hash-object", "-w", "--stdin", stdin=text).text for name, text in files.items()}
    return git.run("mktree", stdin="".join(f"100644 blob {sha}\t{name}\n" for name, sha in blobs.items())).text


def test_commits_through_one_process(git: Runner) -> None:
    one = tree(git, a="1\n")
    with objects.CommitWriter(git) as writer:
        first = writer.write(one, (), WHO, "First: ü \udce9\n\n\n")
        second = writer.write(one, (first,), WHO, "Second")
        again = writer.write(one, (), WHO, "First: ü \udce9")
    assert again == first
    assert git.query("cat-file", "commit", second).stdout == (
        f"tree {one}\nparent {first}\nauthor {WHO}\ncommitter {WHO}\n\nSecond\n"
    )
    facts = objects.commit_facts(git, [second, first, second])
    assert facts == {sha: objects.CommitFacts(sha, one, 1700000000) for sha in (first, second)}
    assert objects.is_ancestor(git, first, second)
    assert not objects.is_ancestor(git, second, first)


def test_a_commit_that_git_refuses(git: Runner) -> None:
    with objects.CommitWriter(git) as writer:
        with pytest.raises(GitFailed, match="git hash-object failed") as caught:
            writer.write("no tree", (), WHO, "x")
        assert "corrupt commit" in caught.value.details or "fatal" in caught.value.details
        with pytest.raises(GitError, match="NUL"):
            writer.write("1" * 40, (), WHO, "a\0b")


def test_a_merge_and_a_conflict(git: Runner) -> None:
    with objects.CommitWriter(git) as writer:
        base = writer.write(tree(git, a="1\n", b="1\n"), (), WHO, "base")
        ours = writer.write(tree(git, a="2\n", b="1\n"), (base,), WHO, "ours")
        theirs = writer.write(tree(git, a="1\n", b="2\n"), (base,), WHO, "theirs")
        other = writer.write(tree(git, a="3\n", b="3\n"), (base,), WHO, "other")
        stranger = writer.write(tree(git, z="1\n"), (), WHO, "stranger")
    both = tree(git, a="2\n", b="2\n")
    assert objects.merge_tree(git, ours, theirs) == both
    with objects.CommitWriter(git) as writer:
        merged = writer.write(both, (ours, theirs), WHO, "merged")
    with pytest.raises(MergeConflict) as caught:
        objects.merge_tree(git, merged, other)
    assert caught.value.files == ("a", "b")
    assert caught.value.details.count("CONFLICT (content)") == 2
    with pytest.raises(MergeConflict) as caught:
        objects.merge_tree(git, ours, stranger)
    assert caught.value.files == ()


def test_refs_change_together_or_not_at_all(git: Runner) -> None:
    with objects.CommitWriter(git) as writer:
        sha = writer.write(tree(git, a="1\n"), (), WHO, "base")
    objects.update_references(git, {"refs/x/a-b": sha, "refs/x/ü": sha})
    assert objects.references(git, "refs/x") == {"refs/x/a-b": sha, "refs/x/ü": sha}
    with pytest.raises(GitFailed):
        objects.update_references(git, {"refs/x/c": sha, "refs/x/bad..name": sha})
    objects.update_references(git, {"refs/x/d": sha}, ["refs/x/a-b", "refs/x/ü"])
    assert list(objects.references(git, "refs/x")) == ["refs/x/d"]
    objects.update_references(git, {})


def test_a_commit_that_is_not_there(git: Runner) -> None:
    assert objects.commit_facts(git, ()) == {}
    with pytest.raises(GitFailed, match="git rev-list failed with status 128"):
        objects.commit_facts(git, ["1" * 40])
