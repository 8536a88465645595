"""Files that scenarios and loads are read from, of limited size; a file that another names is a plain one beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST = 4_000_000
"""Bytes; no scenario, load or layout for people is near that."""


class NotPlain(Exception):
    """What a file is that cannot be read, in words."""


def text_of(path: Path) -> str:
    """The text of a file that a person names, which may be a pipe.

    :raises NotPlain: it is too large. :raises OSError: it cannot be read. :raises UnicodeDecodeError: it is no UTF-8.
    """
    with path.open("rb") as file:
        return _limited(file.read(LARGEST + 1))


def text_beside(folder: Path, name: str) -> str:
    """The text of a file that another one in that folder names; what is named never blocks and always ends.

    :raises NotPlain: it is no plain file, or too large, or its name does not begin at the folder.
    :raises OSError: it cannot be read. :raises UnicodeDecodeError: it is no UTF-8.
    """
    if Path(name).is_absolute():
        raise NotPlain("the path has to be relative to this file")
    with os.fdopen(os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotPlain("it is not a plain file")
        return _limited(file.read(LARGEST + 1))


def _limited(data: bytes) -> str:
    if len(data) > LARGEST:
        raise NotPlain(f"it is larger than {LARGEST // 1_000_000} MB")
    return data.decode("utf-8")
