"""What an event has changed of a state, and the state with that change; what the change means is not known here.

A part of a record is an object with the kind's name and the fields that differ. In it stand, instead of the whole
value: for a table the entries that differ, whole or as parts, and whether it has lost its overlay (the order of keys
that come later hangs on it); for a line the numbers that are gone and new; for as many records as before the parts of
those that differ.
"""

from __future__ import annotations

import typing
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from gatelocal.model.record import replace
from gatelocal.model.table import Line, Table
from gatelocal.pipeline.state import State
from gatelocal.store.codec import FormatError, Json, Layouts, decode, decode_part, encode, to_text

_MARK = "$"
_TABLE, _LINE, _TUPLE = "~table", "~line", "~tuple"


def delta(before: State, after: State, layouts: Layouts) -> Json:
    """What has to be kept to make the second state of the first."""
    return _part(before, after, layouts)


def applied(state: State, raw: Json, layouts: Layouts) -> State:
    """The state with a change that was kept. :raises FormatError: it is none, or one of another state."""
    try:
        return typing.cast(State, _with_part(state, raw, layouts))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"a change of the state cannot be understood: {to_text(raw)[:60]}") from error


def _part(old: Any, new: Any, layouts: Layouts) -> dict[str, Json]:
    """The fields of a record that differ from those of another one of its kind."""
    kind: type = type(new)
    found: dict[str, Json] = {_MARK: kind.__name__}
    for name in _names(kind):
        was, is_now = getattr(old, name), getattr(new, name)
        if is_now is not was and (isinstance(is_now, Table | Line) or is_now != was):
            found[name] = _change(was, is_now, layouts)
    return found


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _change(old: Any, new: Any, layouts: Layouts) -> Json:
    if isinstance(new, Table):
        return _entries(old, new, layouts)
    if isinstance(new, Line):
        gone, more = new.since(old)
        if not more or old.last is None or more[0] > old.last:
            return {_MARK: _LINE, "gone": gone, "new": more}
    if isinstance(new, tuple) and isinstance(old, tuple) and 0 < len(new) == len(old) and all(map(_alike, old, new)):
        pairs = enumerate(zip(old, new, strict=True))
        return {_MARK: _TUPLE, "at": [[at, _part(was, one, layouts)] for at, (was, one) in pairs if one is not was]}
    return encode(new, layouts)


def _alike(old: object, new: object) -> bool:
    return type(old) is type(new) and is_dataclass(new)


def _entries(old: Table[Any, Any], new: Table[Any, Any], layouts: Layouts) -> Json:
    entries = []
    for key, value in new.since(old).items():
        was = old.get(key)
        name = encode(key, layouts)
        if _alike(was, value):
            entries.append([name, _part(was, value, layouts), True])
        else:
            entries.append([name, encode(value, layouts), False])
    return {_MARK: _TABLE, "entries": entries} | ({} if new.shares(old) else {"flat": True})


# ---- reading


def _with_part(old: Any, raw: Json, layouts: Layouts) -> Any:
    """A record with the fields of a part of it."""
    kind: type = type(old)
    changed = {
        name: _with_change(getattr(old, name), one, _hints(kind)[name], layouts)
        for name, one in raw.items()
        if isinstance(one, dict) and str(one.get(_MARK)).startswith("~")
    }
    plain = {name: one for name, one in raw.items() if name not in changed}
    return replace(old, **changed, **decode_part(kind, plain, layouts))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _with_change(old: Any, raw: Json, hint: Any, layouts: Layouts) -> Any:
    match raw:
        case {"entries": entries}:
            key_kind, kind = typing.get_args(hint)
            changes = {}
            for name, value, part in entries:
                key = decode(key_kind, name, layouts)
                changes[key] = _with_part(old[key], value, layouts) if part else decode(kind | None, value, layouts)
            found = old.changed(changes)
            return found.flat() if "flat" in raw else found
        case {"gone": gone, "new": new}:
            for number in gone:
                old = old.without(number)
            for number in new:
                old = old.appended(number)
            return old
        case {"at": parts}:
            values = list(old)
            for at, part in parts:
                values[at] = _with_part(values[at], part, layouts)
            return tuple(values)
    raise FormatError(f"a change of the state cannot be understood: {to_text(raw)[:60]}")
