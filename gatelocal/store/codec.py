"""The gate's frozen values to JSON and back, by their types, for stores and log files; it runs no code that it reads.

A record becomes an object that names its kind under ``$`` and leaves out the fields that have their default. Reading is
driven by the declared types: an unknown kind, an unknown field or a value of another type is an error, never a guess.
A layout is written once, under the digest of its content, and named by it everywhere else.
"""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from gatelocal.errors import GateError
from gatelocal.model.layout import Layout
from gatelocal.model.stanza import Tagged
from gatelocal.model.table import Line, Table

FORMAT = 3
"""The version of what is written; it goes up whenever a kind, a field or a default changes its meaning."""

Json = Any
"""What the standard library's json writes and reads."""

Decoder = Callable[[Json, "Layouts"], Any]

_MARK = "$"


class FormatError(GateError):
    """A stored value cannot be understood: it was damaged, or written by another version of this program."""


def to_text(value: Json) -> str:
    """A JSON value in one line, as short as can be."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_text(text: str) -> Json:
    """The value of a line. :raises FormatError: it is no JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise FormatError(f"a stored line is no JSON: {error}") from None


class Layouts:
    """The layouts that have been met, each by its digest; one that is met again is the same object.

    :ivar new: digest → text of those that have not been kept anywhere yet; whoever keeps them clears it.
    """

    def __init__(self, convert: Callable[[Json], Json] = lambda raw: raw) -> None:
        """:param convert: makes what :meth:`add` was given a layout of this version."""
        self._convert = convert
        self._texts: dict[str, str] = {}
        self._known: dict[str, Layout] = {}
        self._names: dict[int, str] = {}
        self.new: dict[str, str] = {}

    def name(self, layout: Layout) -> str:
        """The digest of a layout."""
        found = self._names.get(id(layout))
        if found is None:
            text = to_text(_record(layout, self))
            found = hashlib.sha256(text.encode()).hexdigest()
            if found not in self._known and found not in self._texts:
                self.new[found] = text
            self._keep(found, layout)
        return found

    def add(self, name: str, text: str) -> None:
        """A layout that was kept; it is read when it is asked for.

        :raises FormatError: its content is not what its name says.
        """
        if hashlib.sha256(text.encode()).hexdigest() != name:
            raise FormatError(f"the layout {name[:12]} is damaged")
        self._texts[name] = text

    def layout(self, name: Json) -> Layout:
        """The layout of that digest. :raises FormatError: there is none."""
        if not isinstance(name, str) or (name not in self._known and name not in self._texts):
            raise FormatError(f"the layout {str(name)[:12]} is missing")
        if name not in self._known:
            self._keep(name, _read_record(Layout, self._convert(from_text(self._texts.pop(name))), self))
        return self._known[name]

    def forget(self, name: str) -> None:
        """The layout is kept nowhere any more; when it is met again, it is new."""
        self._texts.pop(name, None)
        self._known.pop(name, None)
        self._names = {number: known for number, known in self._names.items() if known != name}

    def _keep(self, name: str, layout: Layout) -> None:
        # An equal layout that was read twice is two objects: both stay, so that neither's id is used again.
        self._known.setdefault(name, layout)
        self._known.setdefault(f"{name}/{id(layout)}", layout)
        self._names[id(layout)] = name


# ---- writing


def encode(value: object, layouts: Layouts) -> Json:  # noqa: PLR0911 - one for each sort of value
    """A value of the gate as JSON. :raises TypeError: it is of a kind that is not kept."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, Layout):
        return layouts.name(value)
    if is_dataclass(value):
        return _record(value, layouts)
    if isinstance(value, tuple | list | Line):
        return [encode(one, layouts) for one in value]
    if isinstance(value, frozenset):
        return sorted(encode(one, layouts) for one in value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Table):
        return [[[encode(key, layouts), encode(one, layouts)] for key, one in part.items()] for part in value.parts()]
    if isinstance(value, Mapping):
        return _mapping(value, layouts)
    raise TypeError(f"a {kind.__name__} cannot be kept")


def _record(value: object, layouts: Layouts) -> Json:
    kind: type = type(value)
    found: dict[str, Json] = {_MARK: kind.__name__}
    for name, default in _defaults(kind):
        one = getattr(value, name)
        if one is not default and (isinstance(one, Table) or one != default):
            found[name] = encode(one, layouts)
    return found


@cache
def _defaults(kind: type) -> tuple[tuple[str, object], ...]:
    """The fields of a record with their defaults; MISSING where there is none."""
    return tuple(
        (one.name, one.default_factory() if one.default_factory is not MISSING else one.default) for one in fields(kind)
    )


def _mapping(value: Mapping[Any, Any], layouts: Layouts) -> Json:
    if all(isinstance(key, str) for key in value) and _MARK not in value:
        return {key: encode(one, layouts) for key, one in value.items()}
    return {_MARK: "dict", "items": [[encode(key, layouts), encode(one, layouts)] for key, one in value.items()]}


# ---- reading


def decode(kind: Any, raw: Json, layouts: Layouts) -> Any:
    """The value of that declared type. :raises FormatError: the JSON is none of that type."""
    return _decoder(kind)(raw, layouts)


@cache
def _decoder(kind: Any) -> Decoder:  # noqa: PLR0911 - one for each sort of type
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in (str, int, float, bool, type(None)):
        return _scalar(kind)
    if origin in (types.UnionType, typing.Union):
        return _union(inner)
    if kind is Layout:
        return lambda raw, layouts: layouts.layout(raw)
    if kind is object:
        return _anything
    if origin is tuple:
        return _tuple(inner)
    if origin is frozenset:
        one = _decoder(inner[0])
        return lambda raw, layouts: frozenset(one(each, layouts) for each in _listed(raw))
    if origin is Table:
        return _table(_decoder(inner[0]), _decoder(inner[1]), _decoder(inner[1] | None))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_of(_decoder(inner[1]))
    return _class(kind)


def _class(kind: Any) -> Decoder:
    if kind is Path:
        return lambda raw, layouts: Path(_scalar(str)(raw, layouts))
    if kind is Line:
        return lambda raw, layouts: Line.of(tuple(_decoder(int)(each, layouts) for each in _listed(raw)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda raw, layouts: _member(kind, raw)
    if isinstance(kind, type) and issubclass(kind, tuple):
        parts = _tuple(tuple(typing.get_type_hints(kind).values()))
        return lambda raw, layouts: kind(*parts(raw, layouts))
    if isinstance(kind, type) and is_dataclass(kind):
        return lambda raw, layouts: _read_record(kind, raw, layouts)
    raise TypeError(f"{kind} cannot be read")


def _scalar(kind: type) -> Decoder:
    allowed = (int, float) if kind is float else (kind,)

    def read(raw: Json, layouts: Layouts) -> Any:
        if type(raw) not in allowed:
            raise FormatError(f"expected {kind.__name__}, found {_short(raw)}")
        return raw

    return read


def _union(kinds: tuple[Any, ...]) -> Decoder:
    """One of several types: records are told by their name, the others by what JSON can tell."""
    records = {one.__name__: _decoder(one) for one in kinds if isinstance(one, type) and is_dataclass(one)}
    others = [_decoder(one) for one in kinds if getattr(one, "__name__", "") not in records and one is not type(None)]

    def read(raw: Json, layouts: Layouts) -> Any:
        if raw is None and type(None) in kinds:
            return None
        if isinstance(raw, dict) and raw.get(_MARK) in records:
            return records[raw[_MARK]](raw, layouts)
        if len(others) == 1:
            return others[0](raw, layouts)
        if Layout in kinds:
            return layouts.layout(raw)
        raise FormatError(f"unknown kind {_short(raw.get(_MARK) if isinstance(raw, dict) else raw)}")

    return read


def _tuple(inner: tuple[Any, ...]) -> Decoder:
    if len(inner) == 2 and inner[1] is Ellipsis:
        one = _decoder(inner[0])
        return lambda raw, layouts: tuple(one(each, layouts) for each in _listed(raw))
    parts = [_decoder(part) for part in inner]

    def read(raw: Json, layouts: Layouts) -> Any:
        if len(_listed(raw)) != len(parts):
            raise FormatError(f"expected {len(parts)} values, found {_short(raw)}")
        return tuple(part(each, layouts) for part, each in zip(parts, raw, strict=True))

    return read


def _anything(raw: Json, layouts: Layouts) -> Any:
    """What somebody else's configuration may hold: JSON's own values, and those that its language marks."""
    if isinstance(raw, list):
        return [_anything(one, layouts) for one in raw]
    if not isinstance(raw, dict):
        return raw
    if raw.get(_MARK) == Tagged.__name__:
        return _read_record(Tagged, raw, layouts)
    if raw.get(_MARK) == "dict":
        return dict(_pair(one, _anything, _anything, layouts) for one in _listed(raw.get("items")))
    return {key: _anything(one, layouts) for key, one in raw.items()}


def _mapping_of(one: Decoder) -> Decoder:
    def read(raw: Json, layouts: Layouts) -> Any:
        if not isinstance(raw, dict):
            raise FormatError(f"expected a mapping, found {_short(raw)}")
        if raw.get(_MARK) == "dict":
            return dict(_pair(each, _scalar(str), one, layouts) for each in _listed(raw.get("items")))
        return {key: one(each, layouts) for key, each in raw.items()}

    return read


def _table(key: Decoder, value: Decoder, value_or_none: Decoder) -> Decoder:
    def read(raw: Json, layouts: Layouts) -> Any:
        if len(_listed(raw)) != 2:
            raise FormatError(f"expected the two parts of a table, found {_short(raw)}")
        base = dict(_pair(each, key, value, layouts) for each in _listed(raw[0]))
        return Table(base, dict(_pair(each, key, value_or_none, layouts) for each in _listed(raw[1])))

    return read


def _pair(raw: Json, key: Decoder, value: Decoder, layouts: Layouts) -> tuple[Any, Any]:
    if len(_listed(raw)) != 2:
        raise FormatError(f"expected a key and a value, found {_short(raw)}")
    return key(raw[0], layouts), value(raw[1], layouts)


def _member(kind: type[Enum], raw: Json) -> Enum:
    try:
        return kind(raw)
    except ValueError:
        raise FormatError(f"there is no {kind.__name__} {_short(raw)}") from None


@cache
def _fields(kind: type) -> tuple[Mapping[str, Decoder], frozenset[str]]:
    """How to read each field of a record, and which must be there."""
    hints = typing.get_type_hints(kind)
    needed = frozenset(name for name, default in _defaults(kind) if default is MISSING)
    return {one.name: _decoder(hints[one.name]) for one in fields(kind)}, needed


def decode_part(kind: type, raw: Json, layouts: Layouts) -> dict[str, Any]:
    """The fields of a record that are there. :raises FormatError: the JSON is no part of that kind."""
    if not isinstance(raw, dict) or raw.get(_MARK) != kind.__name__:
        raise FormatError(f"expected {kind.__name__}, found {_short(raw)}")
    known = _fields(kind)[0]
    unknown = raw.keys() - known.keys() - {_MARK}
    if unknown:
        raise FormatError(f"{kind.__name__} has no field {_short(min(unknown))}")
    return {name: known[name](one, layouts) for name, one in raw.items() if name != _MARK}


def _read_record(kind: type, raw: Json, layouts: Layouts) -> Any:
    needed = _fields(kind)[1]
    found = decode_part(kind, raw, layouts)
    if not needed <= raw.keys():
        raise FormatError(f"{kind.__name__} without {', '.join(sorted(needed - raw.keys()))}")
    return kind(**found)


def _listed(raw: Json) -> list[Json]:
    if not isinstance(raw, list):
        raise FormatError(f"expected a list, found {_short(raw)}")
    return raw


def _short(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "..."
