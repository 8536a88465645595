"""Walking a repository's history through GitPython, as plain values; it neither changes nor fetches anything."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from git_review.git.errors import GitError

if TYPE_CHECKING:
    import git


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as its author wrote it.

    :ivar message: the whole message; what its encoding cannot decode is replaced.
    """

    id: str
    parents: tuple[str, ...]
    message: str


def commits_between(directory: Path, excluded: str, tip: str, limit: int) -> tuple[Commit, ...]:
    """The commits that `tip` has and `excluded` has not, parents before children.

    :param excluded: a full commit id; `tip` is one too.
    :param limit: how many at most; one more is read so that a caller can tell that there are more.
    :raises GitError: no repository, or a commit that is not there.
    """
    # Imported here: loading GitPython costs as much as a whole quick command.
    import git

    try:
        with git.Repo(directory, search_parent_directories=True) as repo:
            walked = repo.iter_commits(f"{excluded}..{tip}", topo_order=True, max_count=limit + 1)
            newest_first = [_value(commit) for commit in islice(walked, limit + 1)]
    except (git.exc.GitError, ValueError, OSError) as error:
        raise GitError(f"cannot walk the history of {directory}", details=str(error)) from error
    return tuple(reversed(newest_first))


def _value(commit: git.Commit) -> Commit:
    message = commit.message
    text = message if isinstance(message, str) else bytes(message).decode("utf-8", "replace")
    return Commit(commit.hexsha, tuple(parent.hexsha for parent in commit.parents), text)
