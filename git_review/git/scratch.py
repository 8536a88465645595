"""Where merges are tried, apart from the person's repository: its objects are read, and nothing of it is written.

In memory (`git merge-tree`) into a scratch folder of objects; where git is too old for that, in a scratch repository
with a work tree of its own. No setting, hook or signature of the person's acts there, and Ctrl-C leaves nothing behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from git_review.git.errors import GitError, GitFailed, MergeConflict
from git_review.git.objects import alone, merge_tree
from git_review.git.repo import Places
from git_review.git.runner import Runner

_NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "git review"), ("EMAIL", "git-review@localhost"))
}
# The files of the top folder: merging needs none, but git before 2.27 refuses an empty work tree.
_SPARSE = "/*\n!/*/\n"


class GitTooOld(GitError):
    """This git has no ``merge-tree --write-tree`` (it came with 2.38)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A place for trials. :ivar git: writes objects that are gone afterwards.

    :ivar merge: two commits to their merge's tree; raises MergeConflict, without files when they share no history.
    """

    git: Runner
    merge: Callable[[str, str], str]


@contextmanager
def in_memory(runner: Runner, places: Places) -> Iterator[Trial]:
    """The quick place. Its `merge` raises GitTooOld with a git before 2.38."""
    with tempfile.TemporaryDirectory(prefix="git-review-") as scratch:
        environment = {"GIT_OBJECT_DIRECTORY": scratch, "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(places.objects)}
        apart = Runner(runner.directory, environment=environment, tell=runner.tell)
        yield Trial(apart, lambda ours, theirs: _in_memory(apart, ours, theirs))


@contextmanager
def in_work_tree(places: Places, commit: str, tell: Callable[[str], None] | None = None) -> Iterator[Trial]:
    """The slow place, for any git.

    :param commit: any commit id of the repository, which tells its object format.
    :param tell: called with each command line before it runs.
    """
    with tempfile.TemporaryDirectory(prefix="git-review-") as folder:
        scratch = Path(folder)
        git = alone(scratch, _NOBODY)
        git.tell = tell
        git.run("init", "-q", *(("--object-format=sha256",) if len(commit) == 64 else ()))
        (scratch / ".git/objects/info/alternates").write_text(f"{places.objects}\n")
        shallow = places.common / "shallow"
        if shallow.exists():
            shutil.copyfile(shallow, scratch / ".git/shallow")
        git.run("config", "core.sparseCheckout", "true")
        (scratch / ".git/info").mkdir(exist_ok=True)
        (scratch / ".git/info/sparse-checkout").write_text(_SPARSE)
        yield Trial(git, lambda ours, theirs: _in_work_tree(git, ours, theirs))


def _in_memory(git: Runner, ours: str, theirs: str) -> str:
    try:
        return merge_tree(git, ours, theirs)
    except GitFailed as error:
        if error.status == 129:
            raise GitTooOld("this git is older than 2.38", details=error.details) from error
        raise


def _in_work_tree(git: Runner, ours: str, theirs: str) -> str:
    git.run("reset", "-q", "--hard", ours)
    try:
        done = git.run("merge", "-q", "--no-commit", "--no-ff", "--no-stat", theirs, ok=(0, 1)).sure()
    except GitFailed as error:
        if error.unrelated:
            raise MergeConflict(ours, theirs, (), error.details) from error
        raise
    if done.status == 0:
        return git.run("write-tree").text
    files = git.query("diff", "--name-only", "--diff-filter=U", "-z").stdout.split("\0")[:-1]
    if not files:
        raise GitFailed(done.argv, done.status, done.stderr or done.stdout)
    raise MergeConflict(ours, theirs, files, done.stdout)


def _quoted(path: Path) -> str:
    """A path as git wants it in a list of alternates: in quotes when it has a colon in it."""
    text = str(path)
    if ":" not in text and not text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
