"""Changes out of a person's own repository: local commits that no server has seen; it reads and writes nothing there.

What is not committed is no part of a change; :func:`uncommitted` tells whether there is any, so that it can be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import InputError, NotOfThisGate, as_machinery
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.text import plain
from gatelocal.ports import Source
from git_review.git import history, trailers
from git_review.git.errors import GitFailed
from git_review.git.history import Commit
from git_review.git.runner import Runner

LIMIT = 100
"""How many local commits one run takes along; more is a mistaken target branch rather than a series."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the local commits are to go.

    :ivar project: the project's name on its server.
    :ivar branch: the branch's name there.
    :ivar tracking: what the repository knows of that branch: ``refs/remotes/gerrit/main``.
    """

    project: str
    branch: str
    tracking: str


class WorktreeSource:
    """A :class:`gatelocal.ports.Source` over the commits of one repository on this machine.

    :param directory: anywhere in its work tree.
    :param target: where its commits are to go.
    :param server: answers for all that is no local commit; None when no server is known.
    """

    def __init__(self, directory: Path, target: Target, server: Source | None = None) -> None:
        self._directory = directory
        self._git = Runner(directory)
        self._target = target
        self._server = server
        self._walked: dict[str, Commit] = {}

    def change(self, name: str) -> Change:
        """The commit of that name (``HEAD``, a branch, an id) as a change. A detached HEAD is as good as a branch.

        One that the target branch has already is no change: its status is MERGED.

        :raises InputError: no repository, a bare or shallow one, no such commit, no tracking branch to compare with,
            or more than `LIMIT` commits beside the target branch.
        """
        self._check_repository()
        commit = self._commit(name)
        self._walk(name, commit)
        if commit in self._walked:
            return self._change(self._walked[commit])
        message = self._git.query("show", "-s", "--no-show-signature", "--format=%B", commit).text
        target = self._target
        return Change(target.project, target.branch, commit, message, ChangeStatus.MERGED)

    def parents(self, change: Change) -> tuple[Change, ...]:
        """The local ancestors that the target's tracking branch does not have, oldest first."""
        if change.landed:
            return ()
        if change.status is not ChangeStatus.LOCAL:
            return self._of_server(f"the parents of {change.name}").parents(change)
        if change.commit not in self._walked:
            self._walk(change.commit, change.commit)
        wanted = _ancestors(self._walked, change.commit)
        return tuple(self._change(commit) for sha, commit in self._walked.items() if sha in wanted)

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        """What the server says that the reference means. :raises NotOfThisGate: no server is known, or as it says."""
        if self._server is None:
            raise NotOfThisGate("no Gerrit is known here (name one with --gerrit or GATELOCAL_GERRIT)")
        return self._server.dependencies(reference)

    def _of_server(self, asked: str) -> Source:
        if self._server is None:
            raise InputError(
                f"no Gerrit is known that could say what this is: {plain(asked)}",
                hint="is there a .gitreview, or a remote that leads to a Gerrit?",
            )
        return self._server

    def _check_repository(self) -> None:
        try:
            told = self._git.query("rev-parse", "--is-bare-repository", "--is-shallow-repository").lines
        except GitFailed as error:
            raise InputError(
                f"{self._directory} is not in a git repository that can be read",
                details=error.details,
                hint="start this in the work tree of the project, or name a change by number or URL",
            ) from error
        bare, shallow = (word == "true" for word in told)
        if bare:
            raise InputError(
                f"{self._directory} is a bare repository; local commits are taken from a work tree",
                hint="start this in a work tree, or name a change by number or URL",
            )
        if shallow:
            raise InputError(
                f"{self._directory} is a shallow clone: its history ends before the merges that are needed",
                hint="run `git fetch --unshallow` first",
            )

    def _commit(self, name: str) -> str:
        found = self._resolve(name)
        if found is not None:
            return found
        if self._resolve("HEAD") is None:
            raise InputError(f"{self._directory} has no commit yet", hint="commit something first")
        raise InputError(f"there is no commit {plain(name)!r} in {self._directory}")

    def _resolve(self, name: str) -> str | None:
        if "\0" in name:
            return None
        args = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = self._git.query(*args, ok=(0, 1, 128)).text
        return found if len(found.split()) == 1 else None  # of a range git tells two, whatever --verify means

    def _walk(self, name: str, commit: str) -> None:
        """Read the commits up to `commit` that are not on the tracking branch; they are kept in history's order."""
        target = self._target
        base = self._resolve(target.tracking)
        if base is None:
            own = target.tracking.startswith("refs/heads/")  # there is no remote
            raise InputError(
                f"{self._directory} does not know the branch {plain(target.branch)} of {plain(target.project)}:"
                f" there is no {plain(target.tracking)}",
                hint=f"{'' if own else 'run `git fetch` for that remote, or '}name another target branch with --branch",
            )
        with as_machinery("reading the local commits"):
            found = history.commits_between(self._directory, base, commit, LIMIT)
        if len(found) > LIMIT:
            raise InputError(
                f"{plain(name)} is more than {LIMIT} commits beside {plain(target.tracking)}",
                hint="is that the branch it is meant for? Is it fetched?",
            )
        self._walked |= {one.id: one for one in found}

    def _change(self, commit: Commit) -> Change:
        return Change(
            project=self._target.project,
            branch=self._target.branch,
            commit=commit.id,
            message=commit.message,
            status=ChangeStatus.LOCAL,
            change_id=trailers.change_id(commit.message),
        )


def uncommitted(git: Runner) -> bool:
    """Whether the work tree has edits or new files that no commit holds; ignored files do not count.

    The index is not even refreshed, and no file system monitor is started.
    """
    return bool(git.query("--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain").text)


def _ancestors(known: Mapping[str, Commit], commit: str) -> frozenset[str]:
    """The known commits that lead to `commit`, without itself."""
    found: set[str] = set()
    waiting = [*known[commit].parents]
    while waiting:
        sha = waiting.pop()
        if sha in known and sha not in found:
            found.add(sha)
            waiting.extend(known[sha].parents)
    return frozenset(found)
