"""Whether a disk of this machine is full, by a program's words and by a look at it; it knows no kind of error."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

_NO_SPACE = ("No space left on device", "Disk quota exceeded", "Out of diskspace")
# How git says that it could not write when it does not say why.
_UNWRITTEN = re.compile(
    r"(?i:(?:unable to|could not|couldn't|failed to|cannot) (?:write|create|store|close|copy|append|reset|save|finish))"
    r"|write error|early EOF|index-pack|unpack-objects|copy-fd"
)
FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)
"""What the operating system says of a full disk."""

_LITTLE = 1 << 20
"""Bytes that may be left on a full disk, because whoever failed has removed what it had begun to write."""
_SHOWN = 5


def is_full(words: str, *folders: Path) -> bool:
    """Whether a program says that a disk of this machine is full.

    :param folders: where it wrote: git often does not say why it could not write, so it is looked what room is left.
    """
    own = own_words(words)
    return any(each in own for each in _NO_SPACE) or bool(_UNWRITTEN.search(own) and any(map(has_no_room, folders)))


def own_words(words: str) -> str:
    """Git's words without those of the server."""
    return "\n".join(line for line in words.splitlines() if not line.startswith("remote: "))


def has_no_room(folder: Path) -> bool:
    """Whether the disk that a folder is on, or will be on, is full."""
    try:
        state = os.statvfs(next(each for each in (folder, *folder.parents) if each.exists()))
    except (OSError, StopIteration):
        return False
    return state.f_bavail * state.f_frsize < _LITTLE or bool(state.f_files and not state.f_favail)


def shortened(words: str) -> str:
    """The first lines, and how many there are more: git says the same of each file."""
    lines = words.splitlines()
    if len(lines) <= _SHOWN + 1:
        return words
    return "\n".join([*lines[:_SHOWN], f"... and {len(lines) - _SHOWN} lines more"])
