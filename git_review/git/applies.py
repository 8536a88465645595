"""Do HEAD's commits still apply on another commit? Tried in memory: no file, index or ref of the person's changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from git_review.git.errors import GitError, GitFailed, MergeConflict
from git_review.git.repo import Places
from git_review.git.runner import Runner

if TYPE_CHECKING:
    from git_review.git.objects import CommitWriter

_SOMEBODY = "git review <git-review@localhost> 0 +0000"


class Unrelated(GitError):
    """A commit to upload shares no history with the branch it is for."""


class GitTooOld(GitError):
    """This git has no ``merge-tree --write-tree`` (it came with 2.38)."""


def check_applies(runner: Runner, places: Places, target: str) -> int:
    """Whether HEAD's commits still apply on `target`, tried in memory and one by one, as a rebase would.

    A merge commit is tried as the server would merge it, and stands for the commits below it, so that conflicts
    somebody resolved in it stay resolved.
    Objects made on the way go to a scratch directory, so that nothing remains.

    :returns: how many commits were tried; 0 when HEAD already contains `target`.
    :raises MergeConflict: `theirs` in its text is the commit, its `files` are in conflict.
    :raises Unrelated: a commit has no parent. :raises GitTooOld: git is older than 2.38.
    """
    bases = runner.query("merge-base", "--all", target, "HEAD", ok=(0, 1)).lines
    if target in bases:
        return 0
    if len(bases) == 1 and (count := _apart(runner, bases[0], target)):
        return count
    import tempfile

    from git_review.git.objects import CommitWriter

    rows = runner.query("rev-list", "--parents", "--topo-order", "--reverse", "HEAD", f"^{target}").lines
    with tempfile.TemporaryDirectory(prefix="git-review-") as scratch:
        environment = {"GIT_OBJECT_DIRECTORY": scratch, "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(places.objects)}
        apart = Runner(runner.directory, environment=environment)
        with CommitWriter(apart) as writer:
            _replay(apart, writer, target, [row.split(" ") for row in rows])
    return len(rows)


def _apart(runner: Runner, base: str, target: str) -> int | None:
    """How many commits apply for certain, as they and the target branch touch different files; None: it takes a merge.

    Where a file is gone on either side a folder may have been renamed, and where a commit is a merge git lists no
    files: then only a merge tells.
    """
    shape = ("--no-renames", "--name-status", "--no-ext-diff", "-z")
    theirs = _touched(runner.query("diff", *shape, base, target).stdout)
    log = runner.query("log", *shape, "--no-show-signature", "--format=%x01%P", "HEAD", f"^{target}", "--").stdout
    heads = [record for record in log.split("\0") if record.lstrip("\n").startswith("\x01")]
    if theirs is None or any(len(record.strip("\n\x01").split()) != 1 for record in heads):
        return None
    ours = _touched("\0".join(record for record in log.split("\0") if record not in heads))
    if ours is None or not theirs.isdisjoint(ours):
        return None
    if not theirs.isdisjoint(_folders(ours)) or not ours.isdisjoint(_folders(theirs)):
        return None
    return len(heads)


def _touched(listed: str) -> set[str] | None:
    """The files of a ``--name-status -z`` list; None when one is gone."""
    fields = [field.strip("\n") for field in listed.split("\0") if field.strip("\n")]
    states, names = fields[::2], fields[1::2]
    return None if any(state not in ("A", "M", "T") for state in states) or len(states) != len(names) else set(names)


def _folders(files: set[str]) -> set[str]:
    """All folders that the files are in."""
    folders = set()
    for file in files:
        while "/" in file:
            file = file.rpartition("/")[0]  # noqa: PLW2901 - from the file up to the top
            folders.add(file)
    return folders


def _replay(git: Runner, writer: CommitWriter, target: str, rows: list[list[str]]) -> None:
    from git_review.git.objects import merge_tree

    trees: dict[str, str] = {}
    onto = git.query("rev-parse", f"{target}^{{tree}}").text
    covered = _below_merges(rows)
    for commit, *parents in rows:
        if commit in covered:
            continue
        if not parents:
            raise Unrelated(f"{commit} has no parent")
        ours = target
        if len(parents) == 1:
            ours = writer.write(trees.get(parents[0], onto), parents, _SOMEBODY, "what the commit is applied to")
        try:
            trees[commit] = merge_tree(git, ours, commit)
        except MergeConflict as conflict:
            if not conflict.files:
                raise Unrelated(f"{commit} shares no history with the target", details=conflict.details) from conflict
            raise MergeConflict(target, commit, conflict.files, conflict.details) from conflict
        except GitFailed as error:
            if error.status == 129:
                raise GitTooOld("this git is older than 2.38", details=error.details) from error
            raise


def _below_merges(rows: list[list[str]]) -> set[str]:
    """The commits that a merge commit among the rows (parents before children) has below it."""
    covered: set[str] = set()
    for commit, *parents in reversed(rows):
        if len(parents) > 1 or commit in covered:
            covered.update(parents)
    return covered


def _quoted(path: Path) -> str:
    """A path as git wants it in a list of alternates: in quotes when it has a colon in it."""
    text = str(path)
    if ":" not in text and not text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
