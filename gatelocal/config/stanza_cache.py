"""Files that were read once, by commit: a cache of JSON texts that any number of processes share; it holds no code.

An entry that cannot be read, or is not of the shape that was written, counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatelocal.model.stanza import Stanza, Tagged
from gatelocal.model.tenant import ConfigFile, Fault

FORMAT = "5"
"""Part of each key: to be raised when files are read or checked in another way than before."""

_MOST = 3000
_KEPT = 2000
_MARK = "\0"  # begins no key that people write; those that do begin with it are written as pairs
_TAGGED, _PAIRS = "\0tagged", "\0pairs"


class StanzaCache:
    """A folder of what commits' configuration files say.

    :param folder: made, readable by nobody else, when it is first written to; None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, commit: str, paths: Sequence[str]) -> tuple[ConfigFile, ...] | None:
        """The configuration files of a commit; None when they were not kept.

        :param paths: where else than in Zuul's own places they were looked for.
        """
        if self._folder is None:
            return None
        path = self._path(commit, paths)
        try:
            data = path.read_bytes()
            files = tuple(_file(item) for item in _list(json.loads(data, object_hook=_object)))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return files

    def put(self, commit: str, paths: Sequence[str], files: Sequence[ConfigFile]) -> None:
        """Keep them. A full disk, or a folder that is not ours, is no failure: then they are read again."""
        if self._folder is None:
            return
        path = self._path(commit, paths)
        draft = path.with_suffix(f".{secrets.token_hex(6)}")
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = json.dumps([_of_file(file) for file in files], separators=(",", ":"))
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                draft.write_text(text)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Forget the entries that were written longest ago when there are too many."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            entries = [(entry.stat().st_mtime, entry.path) for entry in os.scandir(self._folder)]
            if len(entries) > _MOST:
                for _, path in sorted(entries)[: len(entries) - _KEPT]:
                    Path(path).unlink(missing_ok=True)

    def _path(self, commit: str, paths: Sequence[str]) -> Path:
        assert self._folder is not None  # noqa: S101 - asked by all callers
        key = "\0".join((FORMAT, commit, *paths)).encode("utf-8", "surrogateescape")
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.json"


def _of_file(file: ConfigFile) -> list[object]:
    stanzas = [[one.kind, one.name, _plain(one.body), one.line] for one in file.stanzas]
    faults = [[one.line, one.message, one.hint, one.kind, one.name] for one in file.faults]
    return [file.path, stanzas, faults]


def _file(item: object) -> ConfigFile:
    path, stanzas, faults = _list(item, 3)
    return ConfigFile(
        _text(path),
        tuple(_stanza(one, _text(path)) for one in _list(stanzas)),
        tuple(_fault(one) for one in _list(faults)),
    )


def _stanza(item: object, path: str) -> Stanza:
    kind, name, body, line = _list(item, 4)
    if not isinstance(body, Mapping) or not isinstance(line, int):
        raise ValueError("no stanza")
    return Stanza(_text(kind), _text(name), body, path, line)


def _fault(item: object) -> Fault:
    line, message, hint, kind, name = _list(item, 5)
    if not isinstance(line, int):
        raise ValueError("no fault")
    return Fault(line, _text(message), _text(hint), _text(kind), _text(name))


def _list(value: object, length: int | None = None) -> list[object]:
    if not isinstance(value, list) or length not in (None, len(value)):
        raise ValueError("not of the shape that was written")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not of the shape that was written")
    return value


def _plain(value: object) -> object:
    """A value of a YAML file as JSON can say it: tags, and keys that are no texts, are spelled out."""
    if isinstance(value, Tagged):
        return {_TAGGED: [value.tag, _plain(value.value)]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith(_MARK) for key in value):
            return {key: _plain(item) for key, item in value.items()}
        return {_PAIRS: [[_plain(key), _plain(item)] for key, item in value.items()]}
    return value


def _object(value: dict[str, object]) -> object:
    if len(value) == 1:
        if _TAGGED in value:
            tag, inner = _list(value[_TAGGED], 2)
            return Tagged(_text(tag), inner)
        if _PAIRS in value:
            return dict(_pair(item) for item in _list(value[_PAIRS]))
    return value


def _pair(item: object) -> tuple[object, object]:
    key, value = _list(item, 2)
    return key, value
