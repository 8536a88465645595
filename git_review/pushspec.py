"""Options of an upload → the words of `git push`; pure: it starts nothing and asks no server.

Gerrit takes its options behind a ``%`` of the ref or as ``-o``. The ref form is used where every option fits into a
ref's name; values with blanks, commas or quotes go as ``-o``, where they need no quoting.
Source: Gerrit's upload documentation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

_FITS_IN_REF = re.compile(r"[A-Za-z0-9_@+=%-]+(?:[./][A-Za-z0-9_@+=%-]+)*")


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What an upload asks the server for besides the branch.

    :ivar visibility: ``wip``, ``ready``, ``private``, ``remove-private``: those that are wanted.
    :ivar notify: ``NONE``, ``OWNER``, ``OWNER_REVIEWERS`` or ``ALL``; None leaves it to the server.
    :ivar message: the patchset's description.
    """

    topic: str | None = None
    hashtags: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    visibility: tuple[str, ...] = ()
    notify: str | None = None
    message: str | None = None


def words(options: PushOptions) -> tuple[str, ...]:
    """The options in Gerrit's spelling, in the order that 2.5.0 gives them."""
    found = [f"topic={options.topic}"] if options.topic is not None else []
    found += [f"t={tag}" for tag in options.hashtags]
    found += [f"r={who}" for who in options.reviewers]
    found += [f"cc={who}" for who in options.cc]
    found += options.visibility
    if options.notify is not None:
        found.append(f"notify={options.notify}")
    if options.message is not None:
        found.append(f"m={encoded(options.message)}")
    return tuple(found)


def encoded(message: str) -> str:
    """A message as Gerrit decodes it: percent escapes, in which ``_`` and ``+`` would mean a blank."""
    return quote(message, safe="").replace("_", "%5F").replace("%20", "+")


def push_words(remote: str, branch: str, options: PushOptions, *, thin: bool = True) -> tuple[str, ...]:
    """The words of the push behind ``git``: what Gerrit is told is in the last one where that is possible."""
    told = words(options)
    target = f"HEAD:refs/for/{branch}"
    command = ["push", "--no-follow-tags", *(() if thin else ("--no-thin",))]
    if all(_FITS_IN_REF.fullmatch(word) and not word.endswith(".lock") for word in told):
        behind = f"%{','.join(told)}" if told else ""
        return (*command, remote, target + behind)
    return (*command, *_as_push_options(told), remote, target)


def _as_push_options(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for word in told for part in ("-o", word))
