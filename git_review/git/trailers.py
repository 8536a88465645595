"""Commit-message trailers (``Key: value`` lines of the last paragraph), by Gerrit's rules; pure, changes no commit."""

from __future__ import annotations

import re

_TRAILER = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*):[ \t]*(?P<value>\S.*)")
_CHANGE_ID = re.compile(r"[Ii][0-9a-fA-F]{4,}")
_LINK = re.compile(r"\S+/id/(?P<id>I[0-9a-fA-F]{40})")


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """The trailers of a message as (key, value), in order; a subject alone has none.

    A line that begins with white space continues the value before it. Other lines of the paragraph are passed over,
    as Gerrit and git do for ``(cherry picked from ...)`` or ``[name: note]``.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip("\n \t"))
    found: list[tuple[str, str]] = []
    for line in paragraphs[-1].splitlines() if len(paragraphs) > 1 else ():
        if line[:1] in (" ", "\t") and found:
            key, value = found.pop()
            found.append((key, f"{value} {line.strip()}"))
        elif match := _TRAILER.fullmatch(line.rstrip()):
            found.append((match["key"], match["value"]))
    return tuple(found)


def values(message: str, key: str) -> tuple[str, ...]:
    """The values of the trailers of that key, whose case does not matter."""
    return tuple(value for name, value in trailers(message) if name.lower() == key.lower())


def change_id(message: str) -> str | None:
    """The Change-Id that the server will take the commit's change for, from ``Change-Id:`` or ``Link: .../id/I...``.

    The last one wins, as in Gerrit; None when there is none.
    """
    ids = [value for value in values(message, "Change-Id") if _CHANGE_ID.fullmatch(value)]
    links = [match["id"] for value in values(message, "Link") if (match := _LINK.fullmatch(value))]
    found = ids or links
    return found[-1] if found else None


def with_change_id(message: str, new: str, review_url: str = "") -> str:
    """The message with a ``Change-Id:`` trailer in place of those that it has; sign-offs stay last.

    :param review_url: the trailer is a ``Link:`` to that server instead, as Gerrit's own hook writes it.
    """
    text = without_change_id(message).rstrip()
    line = f"Link: {review_url.rstrip('/')}/id/{new}" if review_url else f"Change-Id: {new}"
    head, blank, last = text.rpartition("\n\n")
    rows = last.split("\n")
    if (
        not blank
        or not trailers(text)
        or any(_TRAILER.match(row) is None and row[:1] not in _CONTINUES for row in rows)
    ):
        return f"{text}\n\n{line}\n"
    at = next((place for place, row in enumerate(rows) if row.lower().startswith("signed-off-by:")), len(rows))
    return f"{head}\n\n" + "\n".join([*rows[:at], line, *rows[at:]]) + "\n"


def without_change_id(message: str) -> str:
    """The message without the trailers that name its change."""
    head, blank, last = message.rstrip("\n").rpartition("\n\n")
    if not blank:
        return message
    kept = [row for row in last.split("\n") if not _names_a_change(row)]
    return f"{head}\n\n" + "\n".join(kept) + "\n" if any(kept) else f"{head.rstrip()}\n"


def _names_a_change(row: str) -> bool:
    match = _TRAILER.fullmatch(row.rstrip())
    if match is None:
        return False
    key = match["key"].lower()
    return key == "change-id" or (key == "link" and _LINK.fullmatch(match["value"].strip()) is not None)


_CONTINUES = ("", " ", "\t", "(", "[")
