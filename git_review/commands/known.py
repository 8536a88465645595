"""What the server knows of the commits that would go up: asked beside the fetch, judged before the push.

The judging is pure. It refuses what would bury somebody's newer patchset or reopen a closed change's discussion.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum

from git_review.commands.context import Context
from git_review.errors import ReviewError
from git_review.git import repo
from git_review.git.trailers import change_id
from git_review.records import dataclass, field

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from git_review.commands.ask import Wanted
    from git_review.gerrit.model import Change
    from git_review.git import lineage

_AT_ONCE = 60
"""So many Change-Ids fit into one question: a URL or a command line of some 4 KB."""


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
    """A question that is on its way.

    :ivar failure: why there is no answer. :ivar left: it was not asked, as it would be about more than may go up.
    """

    thread: threading.Thread | None = None
    found: list[Change] = field(default_factory=list)
    failure: str = ""
    left: bool = False

    def wait(self, seconds: float) -> bool:
        """Whether the answer, or its failure, is there within that time."""
        if self.thread is not None:
            self.thread.join(seconds)
        return self.thread is None or not self.thread.is_alive()

    def answer(self) -> tuple[Change, ...] | None:
        """Wait for the answer; None when there is none."""
        if self.thread is None:
            return None
        self.thread.join()
        return None if self.failure else tuple(self.found)


def ask_beside(
    context: Context, commits: Callable[[], Sequence[repo.Commit]], *, all_at_once: bool = False
) -> Question:
    """Ask for the changes of the commits while other things go on; nobody is asked for a password.

    :param commits: gives the commits, where there is a server that can be asked.
    :param all_at_once: these will go up for certain; otherwise it is left for later where there are very many, most of
        which the server will turn out to have.
    """
    from git_review.commands import ask

    question = Question()
    if not ask.can_be_asked(ask.push_url(context)):
        return question
    ids = sorted({found for commit in commits() if (found := change_id(commit.message))})
    question.left = len(ids) > _AT_ONCE and not all_at_once
    if not ids or question.left:
        return question
    wanted = ask.Wanted(patchsets=True, silent=True)
    return beside(lambda: changes_of(context, ids, wanted))


def changes_of(context: Context, ids: Sequence[str], wanted: Wanted, *others: str) -> Iterator[Change]:
    """The changes of these Change-Ids in the project, for the target branch, asked for some at a time.

    :param others: terms that they have to fit, too. Errors as for :func:`git_review.commands.ask.changes`.
    """
    from git_review.commands import ask

    places = [ask.term("project", ask.project_name(context)), ask.term("branch", context.branch)]
    for at in range(0, len(ids), _AT_ONCE):
        some = "(" + " OR ".join(f"change:{one}" for one in ids[at : at + _AT_ONCE]) + ")"
        yield from ask.changes(context, [*places, some, *others], wanted)


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


def judge(context: Context, commits: Sequence[repo.Commit], changes: Sequence[Change]) -> tuple[Known, ...]:
    """What each commit is to the server, with the reflogs' word on what it was made of."""
    from git_review.git import lineage

    return judged(commits, changes, lineage.grounded(context.runner, context.remote, claims(commits, changes)))


def judged(commits: Sequence[repo.Commit], changes: Sequence[Change], grounded: Collection[str]) -> tuple[Known, ...]:
    """What each commit is to the server.

    A change is *behind* when the commit was not made of its newest patchset, or is one of the older ones. A commit
    that is a patchset of a merged change already is *unchanged*: the server takes it for what it is.

    :param grounded: the Change-Ids of the commits that were made of the newest patchsets.
    """
    by_id = {change.change_id: change for change in changes}
    return tuple(_one(commit, by_id.get(change_id(commit.message) or ""), grounded) for commit in commits)


def _one(commit: repo.Commit, change: Change | None, grounded: Collection[str]) -> Known:
    if change is None:
        return Known(commit, State.NEW)
    newest, uploaded = _newest(change), is_patchset(commit, change)
    if change.status not in ("NEW", ""):
        return Known(commit, State.UNCHANGED if uploaded and change.status == "MERGED" else State.CLOSED, change)
    if commit.id == newest:
        return Known(commit, State.UNCHANGED, change)
    return Known(commit, State.BEHIND if uploaded or change.change_id not in grounded else State.UPDATED, change)


def is_patchset(commit: repo.Commit, change: Change) -> bool:
    """Whether the server has this very commit as a patchset of the change."""
    return commit.id == _newest(change) or any(commit.id == patchset.commit for patchset in change.patchsets)


def _newest(change: Change) -> str:
    return change.patchsets[-1].commit if change.patchsets else change.current_commit


def claims(commits: Sequence[repo.Commit], changes: Sequence[Change]) -> tuple[lineage.Claim, ...]:
    """What has to be proved of the commits before they may be patchsets of open changes."""
    from git_review.git import lineage

    by_id = {change.change_id: change for change in changes if change.status in ("NEW", "")}
    found = []
    for commit in commits:
        change = by_id.get(change_id(commit.message) or "")
        if change is not None and not is_patchset(commit, change) and repo.is_full_id(_newest(change)):
            older = frozenset(patchset.commit for patchset in change.patchsets[:-1])
            found.append(lineage.Claim(change.change_id, _newest(change), older))
    return tuple(found)


def topics(known: Sequence[Known]) -> tuple[frozenset[str], bool]:
    """The topics of the changes that the upload would touch or make, and whether one of them has none."""
    touched = [entry for entry in known if entry.state in (State.NEW, State.UPDATED, State.BEHIND)]
    found = [entry.change.topic if entry.change is not None else "" for entry in touched]
    return frozenset(topic for topic in found if topic), "" in found
