"""The gate's log as a file of JSON lines, to be sent along with a bug report: a state and the events after it.

It is written from any store and read without one; nothing in it is carried out. A change's number, its votes' authors
and its files are in it, no password and no content of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State
from gatelocal.store.codec import FORMAT, FormatError, Layouts, decode, encode, from_text, to_text
from gatelocal.store.convert import Convert, converter

_HEAD = "gatelocal-log"


def lines(first: State, events: Iterable[Event]) -> Iterator[str]:
    """The lines of the file: its version, the state, the events; each layout before the value that names it."""
    layouts = Layouts()
    yield to_text({_HEAD: FORMAT})
    yield from _line("state", first, layouts)
    for event in events:
        yield from _line("event", event, layouts)


def _line(what: str, value: object, layouts: Layouts) -> Iterator[str]:
    text = to_text({what: encode(value, layouts)})
    for name, body in layouts.new.items():
        yield to_text({"layout": name, "body": body})
    layouts.new.clear()
    yield text


def write(path: Path, first: State, events: Iterable[Event]) -> None:
    """Write the file, which only its owner can read."""
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines(first, events))


def raw_lines(written: int, layouts: Iterable[tuple[str, str]], first: str, events: Iterable[str]) -> Iterator[str]:
    """The lines of a file of that format, of values that are kept as text; none of them is read."""
    yield to_text({_HEAD: written})
    for name, body in layouts:
        yield to_text({"layout": name, "body": body})
    yield f'{{"state":{first}}}'
    for event in events:
        yield f'{{"event":{event}}}'


def read(text: Iterable[str]) -> tuple[State, Iterator[Event]]:
    """The state that a log begins with, and its events, read as they are asked for.

    :raises FormatError: it is no log, or one that cannot be made one of this version; later, from the events: a line
        is wrong.
    """
    values = (from_text(line) for line in text)
    head = next(values, None)
    written = head.get(_HEAD) if isinstance(head, dict) else None
    convert = converter(written) if isinstance(written, int) else None
    if convert is None:
        raise FormatError("this is no log of this version of the gate", details=f"expected {to_text({_HEAD: FORMAT})}")
    layouts = Layouts(convert)
    for value in values:
        if _kind(value, layouts) == "state":
            return decode(State, convert(value["state"]), layouts), _events(values, convert, layouts)
    raise FormatError("the log has no state to begin with")


def _events(values: Iterator[Any], convert: Convert, layouts: Layouts) -> Iterator[Event]:
    for value in values:
        match _kind(value, layouts):
            case "event":
                yield decode(Event, convert(value["event"]), layouts)
            case "state":
                raise FormatError("the log has a second state")


def _kind(value: Any, layouts: Layouts) -> str:
    """What a line holds; a layout is kept at once."""
    match value:
        case {"layout": str(name), "body": str(body)}:
            layouts.add(name, body)
            return "layout"
        case {"state": _}:
            return "state"
        case {"event": _}:
            return "event"
    raise FormatError(f"a line of the log holds neither layout nor state nor event: {str(value)[:60]}")
