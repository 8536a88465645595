"""Named operations on the repository that a person works in; looks at its work tree, and never changes it.

What changes a work tree (`checkout`, `rebase`, `commit --amend`) is a step of a plan, shown to the person first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from git_review.git.errors import GitError, GitFailed
from git_review.git.refs import head, tracked, tracking
from git_review.git.runner import Pending, Runner
from git_review.records import dataclass

_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PARAGRAPH_END = re.compile(r"\n[ \t]*(?:\n|\Z)")
_OURS_ALONE = ("--no-recurse-submodules", "--no-prune", "--no-prune-tags")
FETCH_ALL = ("fetch", *_OURS_ALONE)
"""The words of a fetch of all that a remote is set to fetch: nothing that is here goes, and no submodule is asked."""
FETCH = ("fetch", "--no-tags", *_OURS_ALONE, "--refmap=")
"""The words of a fetch of what is named behind them, and of nothing else."""

AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
"""For commands that look at history as a server does, which knows nothing of replaced objects and grafts."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a repository's things are, as absolute paths.

    :ivar top: the top directory of the work tree. :ivar common: the git directory that linked worktrees share.
    :ivar hooks: where git looks for hooks, ``core.hooksPath`` and linked worktrees respected.
    """

    top: Path
    common: Path
    hooks: Path
    objects: Path


@dataclass(frozen=True, slots=True)
class State:
    """What is checked out.

    :ivar commit: HEAD's commit id; None before the first commit. :ivar branch: None when HEAD is detached.
    :ivar staged: the index differs from HEAD. :ivar unstaged: tracked files differ from the index. Submodules do not
        count, and neither do untracked files.
    """

    commit: str | None
    branch: str | None
    staged: bool
    unstaged: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that would go up. :ivar committer: the mail address of who made it."""

    id: str
    parents: tuple[str, ...]
    message: str
    committer: str = ""

    @property
    def subject(self) -> str:
        """The first paragraph of its message on one line, as git and Gerrit have it."""
        return " ".join(_PARAGRAPH_END.split(self.message.lstrip("\n"), maxsplit=1)[0].split("\n")).strip()


class NoWorkTree(GitError):
    """The directory is in no repository, or in one without a work tree."""

    exit_code = 70


class BranchMissing(GitError):
    """The remote answered, and has no such branch."""


def locate(runner: Runner) -> Places:
    """Where the repository is that `runner` stands in. :raises NoWorkTree: there is none."""
    asked = ("--show-toplevel", "--git-common-dir", "--git-path", "objects", "--show-prefix", "--git-path", "hooks")
    try:
        answer = runner.query("rev-parse", *asked).stdout.split("\n")
    except GitFailed as error:
        raise NoWorkTree(
            "this is not a git repository with a work tree", details=error.details, hint="run it in the project's clone"
        ) from error
    here = (runner.directory or Path()).absolute()
    top, common, objects, prefix, hooks = answer[:5]
    if prefix and not Path(hooks).is_absolute():
        hooks = runner.query("-C", top, "rev-parse", "--git-path", "hooks").text
    return Places(Path(top), here / common, Path(top) / hooks, here / objects)


def submodule_hooks(runner: Runner, top: Path) -> tuple[Path, ...]:
    """Where git looks for the hooks of each submodule that is checked out, nested ones included."""
    if not (top / ".gitmodules").exists():
        return ()
    inside = "pwd && git rev-parse --git-path hooks"
    lines = runner.query("-C", str(top), "submodule", "--quiet", "foreach", "--recursive", inside).lines
    return tuple(Path(place) / hooks for place, hooks in zip(lines[::2], lines[1::2], strict=False))


def begin_state(runner: Runner) -> Pending:
    """Start looking at what is checked out, in one process that takes no lock; :func:`state` reads its answer."""
    flags = ("--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
    return runner.begin("--no-optional-locks", "status", *flags)


def state(begun: Pending) -> State:
    """What is checked out."""
    commit: str | None = None
    branch: str | None = None
    staged = unstaged = False
    for record in begun.answer().stdout.split("\0"):
        kind, _, rest = record.partition(" ")
        if rest.startswith("branch.oid "):
            commit = None if rest.endswith("(initial)") else rest.split(" ")[1]
        elif rest.startswith("branch.head "):
            branch = None if rest.endswith("(detached)") else rest.split(" ", 1)[1]
        elif kind in ("1", "u"):
            staged = staged or kind == "u" or rest[0] != "."
            unstaged = unstaged or kind == "u" or rest[1] != "."
    return State(commit, branch, staged, unstaged)


def branch_name(runner: Runner) -> str | None:
    """The branch that is checked out; None when HEAD is detached."""
    return runner.query("symbolic-ref", "-q", "--short", "HEAD", ok=(0, 1)).text or None


def is_full_id(text: str) -> bool:
    """Whether it has the form of an object's full id."""
    return _FULL_ID.fullmatch(text) is not None


def commit_id(runner: Runner, name: str) -> str | None:
    """The id of the commit that `name` means in this repository; None when there is none."""
    answer = runner.query("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128))
    return answer.text if answer.status == 0 else None


def fetch_branch(runner: Runner, remote: str, branch: str) -> str:
    """Fetch a remote's branch to where it is remembered and return its commit id.

    :raises BranchMissing: the remote has no such branch. :raises GitFailed: it could not be asked.
    """
    try:
        runner.run(*FETCH, "--no-auto-maintenance", remote, tracked(remote, branch))
    except GitFailed as error:
        if "couldn't find remote ref" in error.details:
            raise BranchMissing(f"{remote} has no branch {branch}", details=error.details) from error
        raise
    return commit_id(runner, tracking(remote, branch)) or ""


def peek_branch(runner: Runner, place: str, branch: str) -> str:
    """The commit id of a remote's branch; the commit itself may not be here yet (see :func:`obtain`).

    :param place: a remote's name or a URL. Errors as for :func:`fetch_branch`.
    """
    rows = runner.query("ls-remote", place, head(branch)).lines
    found = [row.split("\t")[0] for row in rows if row.split("\t")[-1] == head(branch)]
    if not found:
        raise BranchMissing(f"{place} has no branch {branch}")
    return found[0]


def branches(runner: Runner, place: str) -> dict[str, str]:
    """All branches of a remote with their commit ids, as it tells them now.

    :param place: a remote's name or a URL. :raises GitFailed: it could not be asked.
    """
    rows = (row.split("\t") for row in runner.query("ls-remote", "--heads", place).lines)
    return {name.removeprefix("refs/heads/"): sha for sha, name in rows}


def obtain(runner: Runner, place: str, *branches: str) -> None:
    """Fetch the objects of a remote's branches and change no ref of this repository for it."""
    quiet = ("--no-write-fetch-head", "--no-auto-maintenance")
    runner.query(*FETCH, *quiet, place, *(head(branch) for branch in branches))


def present(runner: Runner, commits: Iterable[str]) -> dict[str, bool]:
    """Whether each commit, by its full id, is in this repository; one process, and nothing is fetched for it."""
    asked = list(commits)
    if not asked:
        return {}
    lines = runner.query(
        "cat-file",
        "--batch-check",
        stdin="".join(f"{sha}\n" for sha in asked),
        environment={"GIT_NO_LAZY_FETCH": "1"},
    ).lines
    return {sha: line.split()[1:2] == ["commit"] for sha, line in zip(asked, lines, strict=True)}


def outgoing(runner: Runner, remote: str, target: str | None, has: Iterable[str] = ()) -> tuple[Commit, ...]:
    """The commits of HEAD that no remembered branch of the remote has (nor `target`), newest first.

    :param has: what else the remote has: commits that are here, by their full ids.
    """
    known = [target] if target else []
    rest = "".join(f"^{sha}\n" for sha in dict.fromkeys([*known, *has]))
    return logged(runner, "HEAD", "--not", f"--remotes={remote}", "--not", "--stdin", "--", stdin=rest)


def known_elsewhere(runner: Runner, commits: Iterable[str]) -> frozenset[str]:
    """Which of HEAD's commits, by their full ids, are on a remembered branch of some remote, or under a tag."""
    own = runner.query("rev-list", "HEAD", "--not", "--remotes", "--tags", "--", environment=AS_STORED).lines
    return frozenset(commits).difference(own)


def names_of(runner: Runner, remote: str, commits: Iterable[str]) -> dict[str, str]:
    """A branch of another remote, or a tag, that has each commit; where there is none, the commit is left out."""
    asked = ("--refs=refs/tags/*", "--refs=refs/remotes/*", f"--exclude=refs/remotes/{remote}/*")
    rows = runner.query("name-rev", *asked, *commits, environment=AS_STORED).lines
    told = (row.split(" ", 1) for row in rows)
    return {
        sha: re.split("[~^]", name)[0].removeprefix("remotes/").replace("tags/", "tag ", 1)
        for sha, name in told
        if name != "undefined"
    }


def begin_outgoing(runner: Runner, remote: str) -> Pending:
    """Start listing the commits of HEAD that no remembered branch of the remote has; :func:`found` reads the answer."""
    return runner.begin("log", *_SHAPE, "HEAD", "--not", f"--remotes={remote}", "--", environment=AS_STORED)


def found(begun: Pending) -> tuple[Commit, ...]:
    """The commits of a listing, newest first. :raises GitFailed: it failed, as there is no commit."""
    return _commits(begun.answer().stdout)


def rest_on(commits: Sequence[Commit], target: str) -> bool:
    """Whether HEAD contains `target`, and the commits are all that it has besides: as far as the commits alone tell.

    :param commits: those of HEAD that are on no remembered branch. One of them is made on `target`, which is none of
        them; so it is on such a branch, and excluding it excludes nothing more.
    """
    ids = {commit.id for commit in commits}
    return target not in ids and any(target in commit.parents for commit in commits)


def logged(runner: Runner, *asked: str, stdin: str | None = None) -> tuple[Commit, ...]:
    """The commits that ``git log`` finds, children before their parents. :param stdin: for ``--stdin``."""
    return _commits(runner.query("log", *_SHAPE, *asked, stdin=stdin, environment=AS_STORED).stdout)


_SHAPE = ("--topo-order", "--no-show-signature", "--no-color", "--encoding=UTF-8", "-z", "--format=%H%n%P%n%ce%n%B")


def _commits(listed: str) -> tuple[Commit, ...]:
    records = listed.split("\0")
    rows = (record.split("\n", 3) for record in records if record.strip())
    return tuple(Commit(sha, tuple(parents.split()), message, who) for sha, parents, who, message in rows)
