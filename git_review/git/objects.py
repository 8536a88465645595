"""Named operations on commits and refs that need no work tree; none of them touches an index or a checked-out file."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_review.git.errors import GitError, GitFailed, MergeConflict
from git_review.git.runner import Dialogue, Runner

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ALONE = {
    "core.attributesFile": os.devnull,  # without it git reads ~/.config/git/attributes even when alone
    "core.hooksPath": os.devnull,
    "core.logAllRefUpdates": "false",
    "gc.autoDetach": "false",
    "init.templateDir": "",
}


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What a merge has to know of a commit.

    :ivar when: the committer's date in seconds since 1970.
    """

    id: str
    tree: str
    when: int


def alone(directory: Path, environment: Mapping[str, str] | None = None) -> Runner:
    """A runner on which no person's and no system's configuration, attributes, hooks or templates act.

    :param environment: variables to add.
    """
    settings = {"GIT_CONFIG_COUNT": str(len(_ALONE))}
    for place, (key, value) in enumerate(_ALONE.items()):
        settings |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    return Runner(
        directory,
        alone=True,
        environment={
            **settings,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            **(environment or {}),
        },
    )


def references(git: Runner, *prefixes: str) -> dict[str, str]:
    """Every ref under the prefixes with the object that it names."""
    listed = git.query("for-each-ref", "--format=%(objectname) %(refname)", *prefixes).lines
    return {name: sha for sha, name in (line.split(" ", 1) for line in listed)}


def update_references(git: Runner, wanted: Mapping[str, str], gone: Collection[str] = ()) -> None:
    """Point refs at objects and delete others, in one transaction and whatever they named before."""
    orders = [f"update {name}\0{sha}\0\0" for name, sha in wanted.items()] + [f"delete {name}\0\0" for name in gone]
    if orders:
        git.run("update-ref", "-z", "--stdin", stdin="".join(orders))


def commit_facts(git: Runner, commits: Iterable[str]) -> dict[str, CommitFacts]:
    """Tree and date of many commits, by full commit ids, in one process.

    :raises GitFailed: one of them is not in the repository.
    """
    asked = "".join(f"{sha}\n" for sha in commits)
    if not asked:
        return {}
    args = ("rev-list", "--no-walk=unsorted", "--no-commit-header", "--format=%H %T %ct", "--stdin")
    rows = (line.split(" ") for line in git.query(*args, stdin=asked).lines)
    return {sha: CommitFacts(sha, tree, int(when)) for sha, tree, when in rows}


def is_ancestor(git: Runner, older: str, newer: str) -> bool:
    """Whether `older` is `newer` or one of its ancestors."""
    return git.query("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).sure().status == 0


def merge_tree(git: Runner, ours: str, theirs: str, options: Sequence[str] = ()) -> str:
    """The tree id of the merge of two commits (git's own ``ort`` strategy); nothing but objects is written.

    :param options: of git itself, such as ``-c key=value``.
    :raises MergeConflict: with the files, or with none when the two have no common history.
    :raises GitFailed: there is no verdict: git could not read all of the two. (2.39 takes what it cannot read for an
        empty tree, or for the end of history, and says so on standard error alone.)
    """
    try:
        done = git.run(*options, "merge-tree", "--write-tree", "-z", "--name-only", ours, theirs, ok=(0, 1)).sure()
    except GitFailed as error:
        if error.unrelated:
            raise MergeConflict(ours, theirs, (), error.details) from error
        raise
    tree, _, rest = done.stdout.partition("\0")
    if not _ID.fullmatch(tree):
        raise GitFailed(done.argv, done.status, done.stderr)
    if done.status == 0:
        return tree
    names, _, messages = rest.partition("\0\0")
    raise MergeConflict(ours, theirs, names.split("\0"), "".join(_messages(messages)))


def _messages(text: str) -> Iterable[str]:
    """Git's sentences out of ``-z`` records: a count, that many paths, a kind, a sentence."""
    fields = iter(text.split("\0"))
    for count in fields:
        if not count.isdigit():
            return
        for _ in range(int(count) + 1):
            next(fields, "")
        yield next(fields, "")


def commit_text(tree: str, parents: Sequence[str], people: tuple[str, str], message: str) -> str:
    """A commit object's content. :param people: author and committer: ``Name <mail> 1700000000 +0000``.

    :raises GitError: git could not store it.
    """
    if "\0" in message or any("\n" in who for who in people):
        raise GitError("a commit message cannot hold a NUL character, nor a name a line break")
    author, committer = people
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}", f"committer {committer}"]
    return "\n".join((*lines, "", message.rstrip("\n"), ""))


class CommitWriter:
    """Writes commit objects through one git process that stays open; a context manager."""

    def __init__(self, git: Runner) -> None:
        self._stack = contextlib.ExitStack()
        self._git = git
        self._dialogue: Dialogue | None = None
        self._draft = Path()

    def __enter__(self) -> CommitWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove the scratch file. Twice is harmless."""
        self._dialogue = None
        self._stack.close()

    def write(self, tree: str, parents: Sequence[str], who: str, message: str) -> str:
        """The id of a commit, which depends on nothing but the arguments.

        :param who: author and committer as git stores them: ``Name <mail> 1700000000 +0000``.
        """
        text = commit_text(tree, parents, (who, who), message)
        if self._dialogue is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="git-commit-"))
            self._draft = Path(folder) / "commit"
            self._dialogue = self._stack.enter_context(
                self._git.converse("hash-object", "-t", "commit", "-w", "--stdin-paths")
            )
        self._draft.write_bytes(text.encode("utf-8", "surrogateescape"))
        return self._dialogue.ask(str(self._draft))
