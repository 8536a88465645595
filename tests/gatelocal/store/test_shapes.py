"""What is kept keeps its shape: whoever changes a field's meaning raises the format and adds a step.

``shapes.json`` has the fields of all kinds as the format has them. A new field with a default needs nothing but this:
``python tests/gatelocal/store/test_shapes.py`` writes the file anew. Everything else needs a new ``FORMAT`` in
``store/codec.py`` and a step in ``store/convert.py`` first.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store.codec import FORMAT
from gatelocal.store.convert import STEPS, converter

FILE = Path(__file__).with_name("shapes.json")
NEEDED = " (needed)"
PLAIN = (str, int, float, bool, tuple, type(None), Enum)


def kinds(hint: Any, known: dict[str, Any]) -> Iterator[Any]:
    """All classes that a type is made of."""
    for inner in typing.get_args(hint):
        yield from kinds(inner, known)
    if isinstance(hint, type) and hint.__module__.startswith("gatelocal.") and hint.__name__ not in known:
        known[hint.__name__] = hint
        yield hint
        for one in () if issubclass(hint, Enum) else typing.get_type_hints(hint).values():
            yield from kinds(one, known)


def shape(kind: type) -> Any:
    """The fields of a record with their types, the values of an enumeration."""
    if issubclass(kind, Enum):
        return [one.value for one in kind]
    if not is_dataclass(kind):
        return str(getattr(kind, "__annotations__", ""))
    return {one.name: str(one.type) + default(one) for one in fields(kind)}


def default(one: Field[Any]) -> str:
    """What a field has that is not written: if that changes, so does the meaning of what was written."""
    if one.default is MISSING:
        return NEEDED if one.default_factory is MISSING else ""
    return f" = {one.default!r}" if isinstance(one.default, PLAIN) else ""


def shapes() -> dict[str, Any]:
    found = {kind.__name__: shape(kind) for kind in kinds(State | Event | Action, {})}
    return {"format": FORMAT, "kinds": dict(sorted(found.items()))}


def broken(old: Any, new: Any) -> Iterator[str]:
    """What a value of the old shape has that is none of the new one."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        gone = set(old) - set(new) if isinstance(old, list) and isinstance(new, list) else {str(old)} - {str(new)}
        yield from (f"{one!r} is gone" for one in sorted(gone))
        return
    for name, kind in old.items():
        if name not in new:
            yield f"{name} is gone"
        elif not fits(kind, new[name]):
            yield f"{name} was {kind} and is {new[name]}"
    yield from (f"{name} is new and has no default" for name in new.keys() - old.keys() if new[name].endswith(NEEDED))


def fits(old: str, new: str) -> bool:
    """Whether every value of an old field is one of the new: the type may grow, one that was needed need not be."""
    was, _, lacking = old.removesuffix(NEEDED).partition(" = ")
    now, _, lacks = new.removesuffix(NEEDED).partition(" = ")
    grown = set(was.split(" | ")) <= set(now.split(" | "))
    return grown and new.endswith(NEEDED) <= old.endswith(NEEDED) and lacks == (lacking or lacks)


def test_what_was_written_in_this_format_can_be_read() -> None:
    old, new = json.loads(FILE.read_text()), shapes()
    assert old["format"] == FORMAT, "write the file anew"
    wrong = [
        f"{kind}: {text}" for kind, one in old["kinds"].items() for text in broken(one, new["kinds"].get(kind, {}))
    ]
    assert wrong == [], __doc__


def test_there_is_a_way_from_every_format_since_the_first_that_is_promised() -> None:
    assert all(converter(older) is not None for older in range(min(STEPS, default=FORMAT), FORMAT + 1))
    assert min(STEPS, default=FORMAT) == 3


def test_what_breaks_a_shape_is_seen() -> None:
    old = {"a": "int (needed)", "b": "str = ''"}
    assert list(broken(old, {"a": "int = 1", "b": "str | None = ''", "c": "int = 0"})) == []
    assert list(broken(old, {"a": "str (needed)", "b": "str = 'x'", "d": "int (needed)"})) == [
        "a was int (needed) and is str (needed)",
        "b was str = '' and is str = 'x'",
        "d is new and has no default",
    ]
    assert list(broken(old, {"a": "int (needed)"})) == ["b is gone"]
    assert list(broken(["x", "y"], ["y", "z"])) == ["'x' is gone"]


if __name__ == "__main__":
    FILE.write_text(json.dumps(shapes(), indent=1, sort_keys=True) + "\n")
