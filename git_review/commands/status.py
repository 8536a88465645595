"""`git review --status`: what the server says of HEAD's commits, and whether one needs attention; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from git_review.commands import ask, known, own, show
from git_review.commands.context import Context
from git_review.commands.known import Known, State
from git_review.commands.setup import ensure_remote
from git_review.gerrit.errors import GerritError, NotGerrit
from git_review.gerrit.model import Change
from git_review.git import repo
from git_review.git.trailers import change_id
from git_review.messages import changes as said
from git_review.records import replace

NEEDS_ATTENTION = 4


def status(context: Context) -> int:
    """Show the stack, HEAD first; 0 when nothing in it needs attention, else 4.

    What needs attention: a vote against it, CI's too, unresolved comments, a newer patchset on the server, a closed
    change, and a commit that is not uploaded as it is.

    :raises ReviewError: the server cannot be asked (32), or its answer makes no sense (33).
    """
    ensure_remote(context)
    commits = own.survey(context, None, repo.outgoing(context.runner, context.remote, None)).commits
    entries = _known(context, commits)
    now = datetime.now(UTC)
    attention = [reasons(entry) for entry in entries]
    context.talk.result([_json(entry, why) for entry, why in zip(entries, attention, strict=True)])
    if not entries:
        context.talk.say(said.EMPTY_STACK)
    for entry, why in zip(entries, attention, strict=True):
        context.talk.say(show.cut(_line(entry, why, now), context.talk.width))
    return NEEDS_ATTENTION if any(attention) else 0


def reasons(entry: Known) -> tuple[str, ...]:
    """Why a commit needs attention; none when it does not."""
    change = entry.change
    found = [] if entry.state is State.UNCHANGED else [_STATES[entry.state]]
    if change is None:
        return tuple(found)
    if change.status not in ("NEW", "", "MERGED"):
        found.append(change.status.lower())
    found += [f"{label.name} {vote.value}" for label in change.labels for vote in label.votes if vote.value < 0]
    if change.has_unresolved:
        found.append(f"{change.unresolved} unresolved comments" if change.unresolved else "unresolved comments")
    return tuple(dict.fromkeys(found))


_STATES = {
    State.NEW: "not uploaded",
    State.UPDATED: "changed here since the upload",
    State.BEHIND: "the server has a newer patchset",
    State.CLOSED: "closed on the server",
    State.UNKNOWN: "not known to the server",
    State.UNCHANGED: "",
}


def _known(context: Context, commits: Sequence[repo.Commit]) -> tuple[Known, ...]:
    ids = sorted({found for commit in commits if (found := change_id(commit.message))})
    return known.judge(context, commits, _asked(context, ids) if ids else [])


def _asked(context: Context, ids: Sequence[str]) -> list[Change]:
    """The changes. By ssh Gerrit counts no unresolved comments, but it can be asked which changes have any."""
    question = known.Question()
    if ask.asks_by_ssh(context):
        question = known.beside(lambda: known.changes_of(context, ids, ask.Wanted(silent=True), "has:unresolved"))
    try:
        changes = list(known.changes_of(context, ids, ask.Wanted(patchsets=True, votes=True)))
    except NotGerrit as error:
        raise said.query_failed(error, 33) from error
    except GerritError as error:
        raise said.query_failed(error, 32) from error
    unresolved = question.answer()
    if unresolved is None:
        return changes
    numbers = {change.number for change in unresolved}
    return [replace(change, has_unresolved=change.number in numbers) for change in changes]


def _line(entry: Known, why: Sequence[str], now: datetime) -> str:
    change = entry.change
    if change is None:
        return f"{entry.commit.id[:10]}  {entry.commit.subject}  ({', '.join(why)})"
    parts = [part for part in (show.voted(change), _named("CI", show.verdict(change))) if part]
    wip = ["WIP"] if change.wip else []
    unknown = ["unresolved comments unknown"] if change.has_unresolved is None else []
    told = ", ".join([*parts, *wip, *why, *unknown, *([show.age(change, now)] if change.updated else [])])
    return f"{entry.commit.id[:10]}  {change.number}  {entry.commit.subject}  ({told})"


def _named(name: str, value: str) -> str:
    return f"{name}{value}" if value else ""


def _json(entry: Known, why: Sequence[str]) -> dict[str, object]:
    change = show.as_json(entry.change) if entry.change is not None else None
    return {
        "local_commit": entry.commit.id,
        "local_subject": entry.commit.subject,
        "state": entry.state.value,
        "attention": list(why),
        "change": change,
    }
