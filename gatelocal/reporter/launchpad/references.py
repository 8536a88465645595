"""Commit message → the bugs and blueprints that it names; pure, and it knows nothing of what happens to them.

Source: the rules of jeepyb's ``update-bug`` and ``update-blueprint``, read line by line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST = 20
"""Bugs, or blueprints, of one message that count."""
_LINE = re.compile(
    r"""[ \t]*
    (?:(?!(?:bug|lp)[ \t#:])(?P<prefix>[a-z0-9_-]+))?[ \t:]*
    (?:\b(?:bug|lp)\b[ \t\#:]*)+
    (?P<number>[0-9]{1,12})[ \t]*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_BLUEPRINT = re.compile(r"\b(?:blueprint|bp)\b[ \t]*[#:]?[ \t]*(\S+)", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*", re.ASCII)
_LONGEST = 200


class Reference(NamedTuple):
    """A bug that is named. :ivar prefix: what comes before its first hyphen, in small letters; empty: nothing."""

    number: int
    prefix: str


def bugs(message: str) -> tuple[Reference, ...]:
    """The bugs that a message names, each on a line of its own; the first line about a bug decides."""
    found: dict[int, Reference] = {}
    for line in message.splitlines():
        match = _LINE.fullmatch(line) if len(line) <= _LONGEST else None
        if match is not None:
            prefix = (match["prefix"] or "").partition("-")[0].lower()
            found.setdefault(int(match["number"]), Reference(int(match["number"]), prefix))
    return tuple(found.values())[:MOST]


def blueprints(message: str, topic: str) -> tuple[str, ...]:
    """The names that may be those of blueprints: whatever follows the word, anywhere, and the end of the topic."""
    named = [name.rstrip(".,;:)") for name in _BLUEPRINT.findall(message)]
    every = dict.fromkeys((*named, topic.rpartition("/")[2]))
    return tuple(name for name in every if len(name) <= _LONGEST and _NAME.fullmatch(name))[:MOST]
