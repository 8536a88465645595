"""Changes as lines and as JSON; everything that the server wrote is cleaned on its way to a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from git_review.commands.context import Context
from git_review.gerrit.model import Change, Label
from git_review.messages import clean
from git_review.records import dataclass

_YELLOW, _GREEN, _CYAN, _END = "\x1b[33m", "\x1b[1;32m", "\x1b[36m", "\x1b[m"
_COLORS = (_YELLOW, _GREEN, _CYAN)
_CI = "Verified"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is called, and its cells, one a change."""

    name: str
    cells: tuple[str, ...]


def columns(changes: Sequence[Change], level: int, votes: bool, now: datetime, *, marked: bool) -> tuple[Column, ...]:
    """Number, branch, topic from level 2 on, votes, CI, age and URL where they are wanted, and the subject.

    :param marked: changes in progress, and private ones, are marked before their subjects.
    """
    told: list[tuple[str, Callable[[Change], str]]] = [("CHANGE", _number), ("BRANCH", lambda change: change.branch)]
    told += [("TOPIC", lambda change: change.topic)] if level > 1 else []
    if votes:
        told += [("VOTES", voted), ("CI", verdict), ("AGE", lambda change: age(change, now))]
        told += [("URL", lambda change: change.url)]
    told += [("SUBJECT", lambda change: (marks(change) if marked else "") + change.subject)]
    return tuple(Column(name, tuple(_cell(tell(change)) for change in changes)) for name, tell in told)


def marks(change: Change) -> str:
    """What is to be known of a change before its subject."""
    return ("[WIP] " if change.wip else "") + ("[private] " if change.private else "")


def _number(change: Change) -> str:
    return str(change.number)


def table(shown: Sequence[Column], *, color: bool, width: int | None, headings: bool = False) -> list[str]:
    """The lines: all columns to the right but the last, which is to the left and cut to the width."""
    *aligned, last = shown
    heads = [_width(column.name) if headings else 0 for column in aligned]
    widths = [max(head, *(_width(cell) for cell in column.cells)) for head, column in zip(heads, aligned, strict=True)]
    room = None if width is None else max(10, width - sum(widths) - 2 * len(widths))
    named = [f"{column.name:>{space}}" for space, column in zip(widths, aligned, strict=True)]
    lines = ["  ".join([*named, last.name])] if headings else []
    for row in range(len(last.cells)):
        cells = [
            " " * (space - _width(column.cells[row])) + column.cells[row]
            for column, space in zip(aligned, widths, strict=True)
        ]
        cells.append(cut(last.cells[row], room))
        lines.append("  ".join(_paint(cells) if color else cells))
    return lines


def voted(change: Change) -> str:
    """The lowest and the highest vote of each label but CI's: ``CR-1+2 W+1``."""
    parts = [(_initials(label.name), _extremes(label)) for label in change.labels if label.name != _CI]
    return " ".join(f"{name}{extremes}" for name, extremes in parts if extremes)


def verdict(change: Change) -> str:
    """CI's: its lowest vote, else its highest."""
    label = change.label(_CI)
    return _extremes(label) if label is not None else ""


def age(change: Change, now: datetime) -> str:
    """How long ago it last changed: ``5m``, ``3h``, ``12d``."""
    if change.updated is None:
        return ""
    gone = max(timedelta(0), now - change.updated)
    if gone < timedelta(hours=1):
        return f"{gone.seconds // 60}m"
    return f"{gone.seconds // 3600}h" if gone < timedelta(days=1) else f"{gone.days}d"


def as_json(change: Change) -> dict[str, Any]:
    """A change for a program; times are UTC in ISO 8601."""
    current = change.patchsets[-1] if change.patchsets else None
    return {
        "number": change.number,
        "project": change.project,
        "branch": change.branch,
        "change_id": change.change_id,
        "subject": change.subject,
        "status": change.status,
        "topic": change.topic or None,
        "owner": (change.owner.username or change.owner.email or change.owner.name) if change.owner else None,
        "wip": change.wip,
        "private": change.private,
        "patchset": current.number if current else None,
        "commit": current.commit if current else None,
        "votes": {label.name: [vote.value for vote in label.votes] for label in change.labels},
        "unresolved_comments": change.unresolved,
        "has_unresolved_comments": change.has_unresolved,
        "updated": change.updated.astimezone(UTC).isoformat() if change.updated else None,
        "url": change.url or None,
    }


def colored(context: Context) -> bool:
    """By --color, else as git would decide for ``color.review``, else ``color.ui``."""
    if context.options.color != "auto":
        return context.options.color == "always"
    git = context.settings.git
    wanted = (git.get("color.review") or git.get("color.ui") or "auto").lower()
    if wanted in ("auto", "true", "yes", "on", "1"):
        return context.talk.is_terminal
    return wanted == "always"


def cut(text: str, room: int | None) -> str:
    """The text in at most so many columns of a terminal."""
    if room is None or _width(text) <= room:
        return text
    kept = ""
    for char in text:
        if _width(kept + char) > room - 1:
            break
        kept += char
    return kept + "…"


def _cell(text: str) -> str:
    return " ".join(clean(text).replace("\n", " ").replace("\t", " ").splitlines()) or "-"


def _width(text: str) -> int:
    """How many columns a terminal needs: two for wide characters, none for combining ones."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def _initials(name: str) -> str:
    return "".join(part[:1] for part in name.split("-"))


def _extremes(label: Label) -> str:
    values = [vote.value for vote in label.votes if vote.value]
    low, high = min(values, default=0), max(values, default=0)
    return (f"{low}" if low < 0 else "") + (f"+{high}" if high > 0 else "")


def _paint(cells: Sequence[str]) -> list[str]:
    """As 2.5.0 does: the first three columns, whatever they are, but never the fourth."""
    return [f"{color}{cell}{_END}" for color, cell in zip(_COLORS, cells, strict=False)] + list(cells[len(_COLORS) :])
