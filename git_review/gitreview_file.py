"""Reads `.gitreview` files: an INI file with one section ``[gerrit]``; forgiving of everything that has one meaning."""

from __future__ import annotations

import stat
from pathlib import Path

from git_review.errors import ReviewError

_LIMIT = 1 << 20


def read_gitreview(file: Path) -> dict[str, str] | None:
    """The keys (lower case) and values of its section ``[gerrit]``; None when there is no such file.

    Any line ends, a byte order mark, indented and repeated keys (the last one counts) and ``%`` are taken as they
    are; sections of other names are passed over.

    :raises ReviewError: it cannot be read, is no ordinary file or far too large, or a line is neither a section nor
        ``key = value``; names file and line.
    """
    try:
        # A device or a pipe might never end; where a link leads is what counts.
        if not stat.S_ISREG(file.stat().st_mode):
            raise ReviewError(f"{file} is no ordinary file", hint="it has to be a text file of a few lines")
        with file.open("rb") as stream:
            data = stream.read(_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReviewError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > _LIMIT:
        raise ReviewError(f"{file} is too large", hint="it has to be a text file of a few lines")
    text = data.decode("utf-8-sig", "replace")
    values: dict[str, str] = {}
    section: str | None = None
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            section = line[1:-1].strip().lower()
            continue
        key, value = _split(line)
        if section is None or not key:
            raise _wrong(file, number, line, section)
        if section == "gerrit":
            values[key.lower()] = value
    return values


def _split(line: str) -> tuple[str, str]:
    ends = [place for place in (line.find("="), line.find(":")) if place >= 0]
    if not ends:
        return "", ""
    return line[: min(ends)].strip(), line[min(ends) + 1 :].strip()


def _wrong(file: Path, number: int, line: str, section: str | None) -> ReviewError:
    what = "comes before any section" if section is None else "is neither a section nor `key = value`"
    return ReviewError(
        f"{file}, line {number} {what}",
        details=line[:200],
        hint="the file begins with a line [gerrit], and then has lines such as host=review.example.org",
    )
