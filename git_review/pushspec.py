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
    :ivar more: Gerrit's other options in its own spelling. :ivar free: what the person wrote for ``git push -o``.
    :ivar implied_topic: a topic that nobody gave in so many words.
    """

    topic: str | None = None
    hashtags: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    visibility: tuple[str, ...] = ()
    notify: str | None = None
    message: str | None = None
    more: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    implied_topic: str | None = None

    @property
    def says_something(self) -> bool:
        """Whether the server is told more than the commits."""
        return bool(words(self) or self.free)


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
    return (*found, *options.more)


def encoded(message: str) -> str:
    """A message as Gerrit decodes it: percent escapes, in which ``_`` and ``+`` would mean a blank."""
    return quote(message, safe="").replace("_", "%5F").replace("%20", "+")


def push_words(remote: str, branch: str, options: PushOptions, *, thin: bool = True) -> tuple[str, ...]:
    """The words of the push behind ``git``: what Gerrit is told is in the last one where that is possible.

    An implied topic and what the person wrote for ``-o`` are push options in any case.
    """
    told = words(options)
    apart: tuple[str, ...] = (
        (f"topic={options.implied_topic}",) if options.implied_topic and options.topic is None else ()
    )
    apart += options.free
    target = f"HEAD:refs/for/{branch}"
    command = ["push", "--no-follow-tags", *(() if thin else ("--no-thin",))]
    if all(_FITS_IN_REF.fullmatch(word) and not word.endswith(".lock") for word in told):
        behind = f"%{','.join(told)}" if told else ""
        return (*command, *_as_push_options(apart), remote, target + behind)
    return (*command, *_as_push_options((*told, *apart)), remote, target)


def _as_push_options(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for word in told for part in ("-o", word))
