"""What stops an upload before anything is changed: what the server would refuse, and what would do harm there."""

from __future__ import annotations

from collections.abc import Sequence

from git_review import messages
from git_review.commands import known, own
from git_review.commands.context import Context
from git_review.commands.known import Known, State
from git_review.git.repo import Commit
from git_review.git.trailers import Place, change_id, naming
from git_review.messages import commits as said
from git_review.plan import Step, Stop


def refusals(
    context: Context, found: own.Survey, entries: Sequence[Known], lacking: Sequence[Commit]
) -> tuple[Step, ...]:
    """The step that ends the plan, if one does.

    :param found: what would go up. :param entries: what of it is what to the server.
    :param lacking: the commits that are to get a Change-Id because they have none.
    """
    force = context.options.force
    stop = (
        _misnamed(found.commits[1:] if context.options.new_change_id else found.commits)
        or _strangers(context, found, entries, lacking)
        or _doubles(found.commits)
        or (None if force else _behind(entries))
        or (None if force else _closed(entries))
    )
    return (stop,) if stop else ()


def _misnamed(commits: Sequence[Commit]) -> Stop | None:
    """Commits whose Change-Id the server would not read, or not know which of two to take."""
    named = [(commit, naming(commit.message)) for commit in commits]
    wrong = [(commit, found) for commit, found in named if found.place in (Place.MISPLACED, Place.SEVERAL)]
    several = all(found.place is Place.SEVERAL for _, found in wrong)
    rows = [(commit.id, commit.subject, found.lines) for commit, found in wrong]
    return Stop(said.misnamed(rows, several=several)) if wrong else None


def _strangers(context: Context, found: own.Survey, entries: Sequence[Known], lacking: Sequence[Commit]) -> Stop | None:
    """Commits that are not the person's to make anew, or to make changes of."""
    which = {commit.id for commit in lacking}
    melting = context.settings.git.get("gerrit.createchangeid", "").lower() == "always"
    stopped = own.strangers(found, entries, which, melting=melting, force=context.options.force)
    return Stop(own.refusal(context, stopped)) if stopped else None


def _doubles(commits: Sequence[Commit]) -> Stop | None:
    ids = [change_id(commit.message) for commit in commits]
    rows = [
        (commit.id, commit.subject)
        for commit, one in zip(commits, ids, strict=True)
        if one is not None and ids.count(one) > 1
    ]
    return Stop(messages.same_change_id(rows)) if rows else None


def _behind(entries: Sequence[Known]) -> Stop | None:
    rows = [_told_of(entry) for entry in entries if entry.state is State.BEHIND]
    return Stop(messages.behind(rows)) if rows else None


def _closed(entries: Sequence[Known]) -> Stop | None:
    """The closed changes that the server would not take a commit for, or all where nothing else is new.

    It takes what is made on a closed change's very patchset [seen on 3.9.4].
    """
    closed = [entry for entry in entries if entry.state is State.CLOSED]
    if any(entry.state not in (State.CLOSED, State.UNCHANGED) for entry in entries):
        closed = [entry for entry in closed if entry.change and not known.is_patchset(entry.commit, entry.change)]
    return Stop(messages.closed([_told_of(entry) for entry in closed])) if closed else None


def _told_of(entry: Known) -> tuple[str, str, int, str]:
    """Commit, subject, change number, and what there is to say of the change."""
    change = entry.change
    number = change.number if change else 0
    newest = change.patchsets[-1].number if change and change.patchsets else 0
    what = f"patchset {newest} is newer" if entry.state is State.BEHIND else (change.status.lower() if change else "")
    return entry.commit.id, entry.commit.subject, number, what
