"""Reads `.gitreview` files: an INI file with one section ``[gerrit]``; forgiving of everything that has one meaning."""

from __future__ import annotations

from pathlib import Path

from git_review.errors import ReviewError


def read_gitreview(file: Path) -> dict[str, str] | None:
    """The keys (lower case) and values of its section ``[gerrit]``; None when there is no such file.

    Any line ends, a byte order mark, indented and repeated keys (the last one counts) and ``%`` are taken as they
    are; sections of other names are passed over.

    :raises ReviewError: it cannot be read, or a line is neither a section nor ``key = value``; names file and line.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReviewError(f"{file} cannot be read: {error.strerror}") from error
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
