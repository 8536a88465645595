"""`git review -l`: changes of the project, or what a query finds, one a line; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from git_review.commands import ask, show
from git_review.commands.context import Context
from git_review.commands.setup import ensure_remote
from git_review.gerrit.errors import GerritError, NotGerrit
from git_review.gerrit.model import Change
from git_review.messages import changes as said
from git_review.records import dataclass

_OPEN = ("status:open", "-is:wip")
VIEWS = {
    "needs-review": (*_OPEN, "-owner:self", "-reviewedby:self"),
    "no-objections": (*_OPEN, "-label:Code-Review<=-1", "-label:Verified<=-1", "-label:Workflow<=-1"),
    "one-vote": (*_OPEN, "label:Code-Review>=2", "label:Verified>=1", "-label:Code-Review<=-1", "-label:Workflow>=1"),
    "forgotten": (*_OPEN, "label:Verified>=1", "-label:Code-Review<=-1", "-label:Code-Review>=1", "age:1w"),
    "mine": ("status:open", "owner:self"),
}
"""The named lists, in Gerrit's language; what they share, the project, is added."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What is shown. :ivar more: the server has more of them."""

    changes: tuple[Change, ...]
    more: bool


def list_changes(context: Context) -> None:
    """Show the open changes, of one branch when one was named or tracking is on; or those of a view, or of a query.

    :raises ReviewError: the server cannot be asked (32), or its answer makes no sense (33).
    """
    ensure_remote(context)
    options = context.options
    terms = _terms(context)
    votes = options.columns > 2 or options.view is not None or options.query is not None
    page = _asked(context, terms, votes)
    context.talk.result([show.as_json(change) for change in page.changes])
    if not page.changes:
        context.talk.say(said.NO_PENDING)
        return
    # What programs read stays what it was: the plain list, where nobody looks at it on a terminal.
    told = votes or context.talk.is_terminal
    columns = show.columns(page.changes, options.columns, votes, datetime.now(UTC), marked=told)
    for line in show.table(columns, color=show.colored(context), width=context.talk.width, headings=told):
        context.talk.show(line)
    context.talk.say(said.FOUND.format(len(page.changes)))
    if page.more:
        context.talk.say(said.MORE.format(options.start + len(page.changes)))


def _terms(context: Context) -> list[str]:
    options = context.options
    if options.query is not None:
        query = options.query.strip()
        if not query or not query.isprintable():
            raise said.bad_query(options.query)
        # In parentheses, so that nothing in it is taken for an option of the server's command.
        return [f"({query})"]
    terms = [ask.term("project", ask.project_name(context))]
    terms += VIEWS[options.view] if options.view is not None else ("status:open",)
    if options.branch is not None or _tracking(context):
        terms.append(ask.term("branch", context.branch))
    return terms


def _asked(context: Context, terms: Sequence[str], votes: bool) -> _Page:
    limit = context.options.limit
    wanted = ask.Wanted(votes=votes, limit=None if limit is None else limit + 1, start=context.options.start)
    try:
        found = tuple(ask.changes(context, terms, wanted))
    except NotGerrit as error:
        raise said.query_failed(error, 33) from error
    except GerritError as error:
        raise said.query_failed(error, 32) from error
    return _Page(found[:limit], limit is not None and len(found) > limit)


def _tracking(context: Context) -> bool:
    wanted = context.options.track
    return context.settings.track if wanted is None else wanted
