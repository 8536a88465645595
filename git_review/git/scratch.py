"""Where merges are tried, apart from the person's repository: its objects are read, and nothing of it is written.

In memory (`git merge-tree`) into a scratch folder of objects; where git is too old for that, in a scratch repository
with a work tree of its own. No setting, hook or signature of the person's acts there, and Ctrl-C leaves nothing behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
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
_BORROWED = frozenset({"color", "credential", "extensions", "http", "protocol", "remote", "url"})
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
    """The quick place. Its `merge` raises GitTooOld with a git before 2.38.

    A bare repository of our own that borrows the person's objects: merge drivers, rename limits and the like that the
    person has set are not there, but the project's attributes in the work tree are, as they were on a rebase.
    """
    with tempfile.TemporaryDirectory(prefix="git-review-") as folder:
        scratch = Path(folder)
        for name in ("objects", "refs"):
            (scratch / name).mkdir()
        (scratch / "HEAD").write_text("ref: refs/heads/none\n")
        listed = runner.query("config", "-z", "--list").stdout.split("\0")
        (scratch / "config").write_bytes(_borrowed(listed).encode("utf-8", "surrogateescape"))
        shallow = places.common / "shallow"
        if shallow.exists():
            shutil.copyfile(shallow, scratch / "shallow")
        where = {"GIT_DIR": folder, "GIT_WORK_TREE": str(places.top)}
        objects = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(places.objects), "GIT_NO_LAZY_FETCH": "0"}
        apart = alone(places.top, {**where, **objects})
        apart.tell = runner.tell
        yield Trial(apart, lambda ours, theirs: _in_memory(apart, ours, theirs))


def _borrowed(listed: Sequence[str]) -> str:
    """Of a person's configuration what a repository needs to read its objects: their format, and from where missing
    ones come in a partial clone; and the colors of what is shown.
    """
    lines = []
    for record in listed:
        key, equals, value = record.partition("\n")
        section, _, rest = key.partition(".")
        if section not in _BORROWED or not equals or key in ("extensions.worktreeconfig", "extensions.refstorage"):
            continue
        middle, _, name = rest.rpartition(".")
        title = f'{section} "{_escaped(middle)}"' if middle else section
        lines.append(f'[{title}]\n\t{name} = "{_escaped(value)}"\n')
    return "[core]\n\trepositoryformatversion = 1\n" + "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


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
