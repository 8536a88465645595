"""Commit-message trailers (``Key: value`` lines of the last paragraph), by Gerrit's rules; pure, changes no commit.

The one notion of whether a message names its change is :func:`naming`; the commit-msg hook has the same in awk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from git_review.records import dataclass

_TRAILER = re.compile(r"(?P<key>[A-Za-z0-9-]+):[ \t]*(?P<value>.*)")
_CHANGE_ID = re.compile(r"[Ii][0-9a-f]{4,}")
_LINK = re.compile(r"\S+/id/(?P<id>I[0-9a-fA-F]{40})")
# What a person takes for one: indented, quoted, in a list, in the subject, with something behind it.
_MEANT = re.compile(
    r"[^a-z0-9]*(?:[0-9]+[.)])?[^a-z0-9]*"
    r"(?:change-id[^a-z0-9]*:[^a-z0-9]*i[0-9a-f]{4}|link[^a-z0-9]*:[^a-z0-9]*https?://\S+/id/i[0-9a-f]{40})",
    re.IGNORECASE,
)


class Place(Enum):
    """Where a message names its change."""

    NOWHERE = "nowhere"
    IN_PLACE = "in place"
    MISPLACED = "where or how the server does not read it"
    SEVERAL = "several times"


@dataclass(frozen=True, slots=True)
class Naming:
    """How a message names its change.

    :ivar id: what the server will take the commit's change for; of several the last. None when it will read none.
    :ivar lines: the lines that name a change or are meant to, each with its number, from 1.
    """

    place: Place
    id: str | None = None
    lines: tuple[tuple[int, str], ...] = ()


def naming(message: str) -> Naming:
    """How a message names its change: by ``Change-Id: I...``, else by ``Link: URL/id/I...``.

    The server reads the trailers of the last paragraph, the subject's own further lines included, and nothing else; it
    refuses two, and a value that is no id [tried on 3.9.4]. Another ``Change-Id:`` line further up does not disturb it.
    """
    footers = [(number, key.lower(), value) for number, key, value in _footers(message)]
    own = [(number, value) for number, key, value in footers if key == "change-id"]
    linked = [(number, _LINK.fullmatch(value)) for number, key, value in footers if key == "link"]
    links = [(number, match["id"]) for number, match in linked if match]
    rows = _rows(message)
    found = own or links
    if len(found) > 1:
        ids = [value for _, value in found if _CHANGE_ID.fullmatch(value) or links == found]
        return Naming(Place.SEVERAL, ids[-1] if ids else None, _cited(rows, [number for number, _ in found]))
    if found and (links == found or _CHANGE_ID.fullmatch(found[0][1])):
        return Naming(Place.IN_PLACE, found[0][1], _cited(rows, [found[0][0]]))
    meant = {number for number, _ in own} | {at for at, row in enumerate(rows, 1) if _MEANT.match(row)}
    return Naming(Place.MISPLACED, None, _cited(rows, sorted(meant))) if meant else Naming(Place.NOWHERE)


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """The trailers of a message as (key, value), in order; its first line is none.

    A line that begins with white space continues the value before it. Other lines of the paragraph are passed over,
    as Gerrit and git do for ``(cherry picked from ...)`` or ``[name: note]``.
    """
    return tuple((key, value) for _, key, value in _footers(message) if value)


def values(message: str, key: str) -> tuple[str, ...]:
    """The values of the trailers of that key, whose case does not matter."""
    return tuple(value for name, value in trailers(message) if name.lower() == key.lower())


def change_id(message: str) -> str | None:
    """The Change-Id that the server will take the commit's change for; None when there is none."""
    return naming(message).id


def with_change_id(message: str, new: str, review_url: str = "") -> str:
    """The message with a ``Change-Id:`` trailer in place of those that it has; sign-offs stay last.

    :param review_url: the trailer is a ``Link:`` to that server instead, as Gerrit's own hook writes it.
    """
    line = f"Link: {review_url.rstrip('/')}/id/{new}" if review_url else f"Change-Id: {new}"
    carriage = "\r\n" in message and "\n" not in message.replace("\r\n", "")
    kept = without_change_id(message)
    rows = (kept.replace("\r\n", "\n") if carriage else kept).rstrip().split("\n")
    start = _last_paragraph(rows)
    last = rows[start:]
    if not _is_title(rows, start) and _is_trailer_block(last):
        signed = (at for at, row in enumerate(last) if row.lower().startswith("signed-off-by:"))
        at = start + next(signed, len(last))
        rows[at:at] = [line]
    else:
        rows += ["", line]
    return ("\r\n" if carriage else "\n").join([*rows, ""])


def without_change_id(message: str) -> str:
    """The message without the trailers that name its change."""
    naming_it = {
        number
        for number, key, value in _footers(message)
        if key.lower() == "change-id" or (key.lower() == "link" and _LINK.fullmatch(value))
    }
    if not naming_it:
        return message
    rows = message.split("\n")
    return "\n".join(row for at, row in enumerate(rows, 1) if at not in naming_it).rstrip() + "\n"


def _footers(message: str) -> list[tuple[int, str, str]]:
    """Line number, key and value of what the server reads as trailers; a continued value is put together."""
    rows = _rows(message)
    found: list[tuple[int, str, str]] = []
    start = max(_last_paragraph(rows), 1)
    for number, row in enumerate(rows[start:], start + 1):
        text = row.rstrip()
        if row[:1] in (" ", "\t") and text and found:
            at, key, value = found.pop()
            found.append((at, key, f"{value} {text.strip()}"))
        elif match := _TRAILER.fullmatch(text):
            found.append((number, match["key"], match["value"].strip()))
    return found


def _rows(message: str) -> list[str]:
    """The lines. Only an empty one parts paragraphs: one with a blank or a carriage return in it does not."""
    return message.split("\n")


def _last_paragraph(rows: Sequence[str]) -> int:
    """Where the last paragraph begins."""
    end = len(rows)
    while end and not rows[end - 1].strip():
        end -= 1
    start = end
    while start and rows[start - 1]:
        start -= 1
    return start


def _is_title(rows: Sequence[str], start: int) -> bool:
    """Whether the paragraph is the subject's, which git adds no trailer to."""
    return not any(row.strip() for row in rows[:start])


def _is_trailer_block(rows: Sequence[str]) -> bool:
    """Whether git would add a trailer to the paragraph: all lines are trailers; or a quarter, with one of git's own."""
    ours = others = 0
    recognized = continues = False
    for row in rows:
        if row[:1] in (" ", "\t"):
            others += 0 if continues else 1
            continue
        own = row.startswith(("Signed-off-by: ", "(cherry picked from commit "))
        continues = own or re.match(r"[A-Za-z0-9-]+[ \t]*:", row) is not None
        recognized = recognized or own
        ours, others = (ours + 1, others) if continues else (ours, others + 1)
    return (recognized and ours * 3 >= others) or (ours > 0 and others == 0)


def _cited(rows: Sequence[str], numbers: Sequence[int]) -> tuple[tuple[int, str], ...]:
    return tuple((number, rows[number - 1].strip()) for number in numbers)
