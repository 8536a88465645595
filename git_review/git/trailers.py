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
