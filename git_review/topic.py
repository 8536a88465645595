"""Which topic a commit message or a branch implies; pure, asks no server.

``message``: a bug (``Closes-Bug: #1``, ``LP: #1``, ``bug 1``) → ``bug/1``, else a blueprint (``Implements: blueprint
x``, ``bp x``) → ``bp/x``. ``branch``: when the message says nothing, the branch's name, as git-review 1.28 to 2.4 did.
Quoted text (``Revert "..."``, lines that begin with ``>`` or are indented, all below ``-----Original Message-----``)
and URLs refer to nothing. Quotation marks and such around a reference alone are no quoted text: "bug 1".
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import takewhile

# Patterns as texts: most messages refer to nothing, and compiling costs more than looking for the words.
_URL = r"\S*://\S*"
_REVERTED = r"""\b(?:Revert|Reapply|Reland)[ \t]+(?:".*"|'.*'|`.*`|\u201c.*\u201d|\u2018.*\u2019|\xab.*\xbb)"""
_ORIGINAL = r"[ \t]*-{2,}[ \t]*(?:Original|Forwarded)[ \t]+message[ \t]*-{2,}[ \t]*"
_QUOTED = r"[ \t]*[>|]|[ ]{4}|\t"
_TRAILER = r"""(?:(?:^|(?<=[\s(\[,;:]))["'`*_\u201c\u2018\xab]*(?:[a-z]+-)*)"""
_AFTER = r"(?=[ \t:#])[ \t]*:?[ \t]*#?[ \t]*"
_BUG = rf"{_TRAILER}(?:bug|lp){_AFTER}([0-9]+)(?!\w|\.[0-9])"
_BLUEPRINT = rf"{_TRAILER}(?:blueprint|bp){_AFTER}([a-z0-9_][a-z0-9_.-]*)"
_DOWNLOADED = r"review/(?:[^/]+/)?[0-9]+(?:-patch[0-9]+)?"
_REVIEW = r"review/[^/]+/(.+)"


class Mode(Enum):
    """What ``gitreview.topic`` may say."""

    MESSAGE = "message"
    BRANCH = "branch"
    NONE = "none"


def implied(mode: Mode, message: str, branch: str | None, target: str) -> str | None:
    """The topic, or None; never the name of the target branch.

    :param message: HEAD's. :param branch: the local branch; None when HEAD is detached.
    """
    if mode is Mode.NONE:
        return None
    found = of_message(message)
    if found is None and mode is Mode.BRANCH:
        found = of_branch(branch)
    return None if found == target else found


def of_message(message: str) -> str | None:
    """The topic of the first bug that the message refers to, else of the first blueprint."""
    if not any(word in message.lower() for word in ("bug", "lp", "blueprint", "bp")):
        return None
    own = takewhile(lambda line: not re.fullmatch(_ORIGINAL, line, re.IGNORECASE), message.splitlines())
    text = "\n".join(_plain(line) for line in own if not re.match(_QUOTED, line))
    for pattern, prefix in ((_BUG, "bug"), (_BLUEPRINT, "bp")):
        for match in re.finditer(pattern, text, re.IGNORECASE | re.ASCII):
            name = match[1].rstrip(".-")
            if name:
                return f"{prefix}/{name}"
    return None


def of_branch(branch: str | None) -> str | None:
    """The topic that the local branch's name is: not that of a download, which is named by its number."""
    if branch is None or re.fullmatch(_DOWNLOADED, branch):
        return None
    match = re.fullmatch(_REVIEW, branch)
    return match[1] if match else branch


def _plain(line: str) -> str:
    return re.sub(_URL, " ", re.sub(_REVERTED, " ", line))
