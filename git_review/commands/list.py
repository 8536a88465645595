"""`git review -l`: the open changes of the project, one a line; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from git_review import messages
from git_review.commands import ask
from git_review.commands.context import Context
from git_review.commands.setup import ensure_remote
from git_review.gerrit.errors import GerritError, NotGerrit
from git_review.gerrit.model import Change

_YELLOW, _GREEN, _CYAN, _END = "\x1b[33m", "\x1b[1;32m", "\x1b[36m", "\x1b[m"


def list_changes(context: Context) -> None:
    """Show the open changes, of one branch when one was named or tracking is on.

    :raises ReviewError: the server cannot be asked (32), or its answer makes no sense (33).
    """
    ensure_remote(context)
    terms = [("project", project_name(context)), ("status", "open")]
    if context.options.branch is not None or _tracking(context):
        terms.append(("branch", context.branch))
    changes = _asked(context, terms)
    if not changes:
        context.talk.say(messages.NO_PENDING)
        return
    for line in table(changes, topics=context.options.list > 1, color=_colored(context)):
        context.talk.show(line)
    context.talk.say(messages.FOUND.format(len(changes)))


def project_name(context: Context) -> str:
    """The project as the settings name it, else as the remote's URL ends."""
    if context.settings.project:
        return context.settings.project
    from git_review.gerrit.address import parse_remote

    return parse_remote(ask.push_url(context)).project


def table(changes: Sequence[Change], *, topics: bool, color: bool) -> list[str]:
    """The lines: number, branch, topic if wanted, to the right; subject to the left, in full."""
    heads = [
        [str(change.number), change.branch or "-"] + ([change.topic or "-"] if topics else []) for change in changes
    ]
    cells = [[messages.clean(cell).replace("\n", " ") for cell in row] for row in heads]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = []
    for row, change in zip(cells, changes, strict=True):
        shown = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        shown.append(messages.clean(change.subject).replace("\n", " ") or "-")
        lines.append("  ".join(_paint(shown) if color else shown))
    return lines


def _paint(cells: Sequence[str]) -> list[str]:
    colors = (_YELLOW, _GREEN, _CYAN, "")
    return [f"{color}{cell}{_END}" if color else cell for color, cell in zip(colors, cells, strict=False)]


def _asked(context: Context, terms: Sequence[tuple[str, str]]) -> list[Change]:
    try:
        return list(ask.changes(context, terms))
    except NotGerrit as error:
        raise messages.query_failed(error, 33) from error
    except GerritError as error:
        raise messages.query_failed(error, 32) from error


def _tracking(context: Context) -> bool:
    wanted = context.options.track
    return context.settings.track if wanted is None else wanted


def _colored(context: Context) -> bool:
    """By --color, else as git would decide for ``color.review``, else ``color.ui``."""
    if context.options.color != "auto":
        return context.options.color == "always"
    git = context.settings.git
    wanted = (git.get("color.review") or git.get("color.ui") or "auto").lower()
    if wanted in ("auto", "true", "yes", "on", "1"):
        return context.talk.is_terminal
    return wanted == "always"
