"""What the server knows of the commits that would go up: asked beside the fetch, judged before the push.

The judging is pure. It refuses what would bury somebody's newer patchset or reopen a closed change's discussion.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from git_review.commands.context import Context
from git_review.errors import ReviewError
from git_review.git import repo
from git_review.git.trailers import change_id

if TYPE_CHECKING:
    from git_review.gerrit.model import Change

_MANY = 60
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class State(Enum):
    """What a commit is to the server."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    BEHIND = "behind"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Known:
    """One commit and its change; `change` is None for a new one."""

    commit: repo.Commit
    state: State
    change: Change | None = None


@dataclass(slots=True)
class Question:
    """A question that is on its way. :ivar failure: why there is no answer."""

    thread: threading.Thread | None = None
    found: list[Change] = field(default_factory=list)
    failure: str = ""

    def answer(self) -> tuple[Change, ...] | None:
        """Wait for the answer; None when there is none."""
        if self.thread is None:
            return None
        self.thread.join()
        return None if self.failure else tuple(self.found)


def ask_beside(context: Context, commits: Callable[[], Sequence[repo.Commit]]) -> Question:
    """Ask for the changes of the commits while other things go on; nobody is asked for a password.

    :param commits: gives the commits, where there is a server that can be asked.
    """
    from git_review.commands import ask

    question = Question()
    if not ask.can_be_asked(ask.push_url(context)):
        return question
    ids = sorted({found for commit in commits() if (found := change_id(commit.message))})
    if not ids:
        return question
    if len(ids) > _MANY:
        question.failure = f"there are more than {_MANY} commits"
        return question
    wanted = ask.Wanted(patchsets=True, silent=True)
    return beside(lambda: ask.changes(context, terms(context, ids), wanted))


def terms(context: Context, ids: Sequence[str]) -> list[str]:
    """What finds the changes of these Change-Ids in the project, for the target branch."""
    from git_review.commands import ask

    places = [ask.term("project", ask.project_name(context)), ask.term("branch", context.branch)]
    return [*places, "(" + " OR ".join(f"change:{one}" for one in ids) + ")"]


def beside(ask: Callable[[], Iterable[Change]]) -> Question:
    """Ask while other things go on."""
    question = Question()
    question.thread = threading.Thread(target=_ask, args=(ask, question), daemon=True)
    question.thread.start()
    return question


def _ask(ask: Callable[[], Iterable[Change]], question: Question) -> None:
    try:
        question.found += ask()
    except ReviewError as error:
        question.failure = error.brief
    except Exception as error:  # the upload goes on without the answer, whatever is wrong with it
        question.failure = type(error).__name__


def judged(commits: Sequence[repo.Commit], changes: Sequence[Change], seen: Mapping[str, bool]) -> tuple[Known, ...]:
    """What each commit is to the server.

    A change is *behind* when its newest patchset was never in this repository, or when the commit is one of its older
    patchsets.

    :param seen: whether a commit, by its id, has ever been in this repository.
    """
    by_id = {change.change_id: change for change in changes}
    return tuple(_one(commit, by_id.get(change_id(commit.message) or ""), seen) for commit in commits)


def _one(commit: repo.Commit, change: Change | None, seen: Mapping[str, bool]) -> Known:
    if change is None:
        return Known(commit, State.NEW)
    uploaded = [patchset.commit for patchset in change.patchsets]
    newest = uploaded[-1] if uploaded else change.current_commit
    if commit.id == newest or (commit.id in uploaded and change.status not in ("NEW", "")):
        return Known(commit, State.UNCHANGED, change)
    if change.status not in ("NEW", ""):
        return Known(commit, State.CLOSED, change)
    if commit.id in uploaded or not seen.get(newest, False):
        return Known(commit, State.BEHIND, change)
    return Known(commit, State.UPDATED, change)


def newest_commits(changes: Sequence[Change]) -> tuple[str, ...]:
    """The commit ids of the newest patchsets, as far as they are any."""
    newest = (change.patchsets[-1].commit for change in changes if change.patchsets)
    return tuple(commit for commit in newest if _COMMIT.fullmatch(commit))


def topics(known: Sequence[Known]) -> frozenset[str]:
    """The topics of the changes that the upload would touch."""
    touched = [entry.change for entry in known if entry.state is not State.UNCHANGED and entry.change is not None]
    return frozenset(change.topic for change in touched if change.topic)
