"""A folder of fingerprints, a YAML file each in elastic-recheck's form → fingerprints, and what is wrong with files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.config.located import Entry, Faults, entries, items, not_yaml, text_of
from gatelocal.config.yaml_values import NotYaml, root_of
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.tenant import Fault
from gatelocal.model.text import plain
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.meaning import Query, as_lucene, meant
from gatelocal.results.fingerprints.written import NotAQuery

VARIABLE = "GATELOCAL_FINGERPRINTS"
"""Folders of fingerprints, with a colon between them."""

_KEYS = (
    *("query", "suppress-graph", "suppress-notification", "allow-nonvoting", "test_ids", "resolved_at"),
    *("title", "url"),
)
_LARGEST = 200_000
_MOST = 10_000
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def folders(directories: Directories, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where this user's fingerprints are. :raises InputError: a folder that was named is not there."""
    if named := environment.get(VARIABLE, ""):
        found = tuple(Path(one).expanduser() for one in named.split(os.pathsep) if one)
        for one in found:
            if not one.is_dir():
                raise InputError(f"there is no folder {plain(str(one))}", hint=f"{VARIABLE} names it")
        return found
    usual = directories.configuration / "fingerprints" if directories.configuration else None
    return (usual,) if usual is not None and usual.is_dir() else ()


@dataclass(frozen=True, slots=True)
class Read:
    """What a folder holds. :ivar faults: file → what is wrong with it; such a file has no fingerprint."""

    fingerprints: tuple[Fingerprint, ...] = ()
    faults: tuple[tuple[Path, Fault], ...] = ()


def _waits(file: Path) -> bool:
    """Whether it is something that one could wait for without end, such as a pipe."""
    return file.exists() and not file.is_file()


def of_folder(folder: Path, *, lucene: bool = False) -> Read:
    """All of a folder, by their names.

    :param lucene: queries are read as Lucene takes them.
    :raises ConfigurationError: the folder cannot be read.
    """
    try:
        files = sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml") and not _waits(one))
    except OSError as error:
        brief = f"the folder of fingerprints cannot be read: {folder}"
        raise ConfigurationError(brief, details=error.strerror or "", hint="name another one") from error
    good, bad = [], []
    for file in files[:_MOST]:
        found, faults = of_file(file, lucene=lucene)
        good += [found] if found else []
        bad += [(file, fault) for fault in faults]
    if len(files) > _MOST:
        bad.append((folder, Fault(0, f"more than {_MOST} fingerprints: the others are not read", "")))
    return Read(tuple(good), tuple(bad))


def of_file(file: Path, *, lucene: bool = False) -> tuple[Fingerprint | None, Sequence[Fault]]:
    """The fingerprint of a file, or what is wrong with it."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        return None, (Fault(0, f"it cannot be read: {error.strerror}", ""),)
    if len(data) > _LARGEST:
        return None, (Fault(0, f"it is longer than {_LARGEST} bytes", "a fingerprint is a few lines"),)
    return of_text(data.decode("utf-8", "replace"), file.stem, lucene=lucene)


def of_text(text: str, bug: str, *, lucene: bool = False) -> tuple[Fingerprint | None, Sequence[Fault]]:
    """The fingerprint of a text, or what is wrong with it, with the line."""
    faults = Faults()
    try:
        root = root_of(text, _LARGEST)
    except NotYaml as error:
        return None, (not_yaml(error),)
    if root is None:
        return None, (Fault(0, "there is nothing in it", "write `query: >` and the query"),)
    keys = {one.key: one for one in entries(root, "a fingerprint", faults, _KEYS)}
    nonvoting = _flag(keys.get("allow-nonvoting"), faults)
    flags = [_flag(keys.get(name), faults) for name in ("suppress-graph", "suppress-notification")]
    query = _query(keys.get("query"), faults, lucene=lucene, voting=not nonvoting)
    if query is None or faults.found:
        return None, tuple(faults.found)
    texts = (_text(keys.get(name), faults) for name in ("resolved_at", "title", "url"))
    resolved, title, url = texts
    if url and not url.startswith(("https://", "http://")):
        faults.add(keys["url"].line, "url is no address", "write https://...")
    tests = _tests(keys.get("test_ids"), faults)
    if faults.found:
        return None, tuple(faults.found)
    return Fingerprint(bug, query, nonvoting, tests, resolved, title, url, *flags), ()


def _query(entry: Entry | None, faults: Faults, *, lucene: bool, voting: bool) -> Query | None:
    text = text_of(entry.node) if entry else None
    if entry is None or text is None:
        line = entry.line if entry else 1
        faults.add(line, "a fingerprint has no query" if entry is None else "the query is no text", "write `query: >`")
        return None
    try:
        return as_lucene(text, voting=voting) if lucene else meant(text, voting=voting)
    except NotAQuery as error:
        faults.add(entry.line, f"query: {error}", error.hint)
        return None


def _flag(entry: Entry | None, faults: Faults) -> bool:
    word = (text_of(entry.node) or "").lower() if entry else "false"
    if entry and word not in (*_YES, *_NO):
        faults.add(entry.line, f"{entry.key} is neither true nor false", "write true, or leave it out")
    return word in _YES


def _text(entry: Entry | None, faults: Faults) -> str:
    text = text_of(entry.node) if entry else ""
    if text is None and entry:
        faults.add(entry.line, f"{entry.key} is no text", "write one line")
    return (text or "").strip()


def _tests(entry: Entry | None, faults: Faults) -> tuple[str, ...]:
    found = [text_of(node) for node in items(entry.node)] if entry else []
    if entry and any(one is None for one in found):
        faults.add(entry.line, "test_ids is no list of names", "write one name a line, after a dash")
    return tuple(one for one in found if one)
