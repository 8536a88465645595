"""Lines that belong together: which lines of a log are one event; nothing is looked for in them.

A line without a stamp in a log that has stamps goes with the one before it, so does one that is indented, and so do
the lines of a traceback, also those that oslo.log gives a head of their own. An entry of journald's export form is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatelocal.model.record import dataclass
from gatelocal.results.logs.lines import Line, line_of, oslo_of

LONGEST = 1 << 18
"""Bytes of an event; a longer one is cut into several."""

_LOOK = 1 << 16
_HEAD = 600
_EXPORT = re.compile(rb"(?:__CURSOR|__REALTIME_TIMESTAMP)=")
_TRACEBACK = "Traceback (most recent call last)"
_RAISED = re.compile(
    r"(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Timeout|Fault|Found)\b|\w+(?:\.\w+)+: "
)
_REQUEST = ("[req-", "[None", "[-")
_BETWEEN = ("During handling of the above exception", "The above exception was the direct cause")
_LEVELS = {"0": "CRITICAL", "1": "CRITICAL", "2": "CRITICAL", "3": "ERROR", "4": "WARNING", "5": "INFO", "6": "INFO"}


@dataclass(frozen=True, slots=True)
class Form:
    """How a log is written. :ivar stamped: its lines begin with a time. :ivar export: it is journald's export form."""

    stamped: bool = False
    export: bool = False


def form_of(head: bytes) -> Form:
    """The form of a log, by its first bytes."""
    head = head[:_LOOK]
    if _EXPORT.match(head):
        return Form(export=True)
    lines = [line for line in head.split(b"\n") if line.strip()][:50]
    stamped = sum(1 for line in lines if line_of(text_of(line[:_HEAD])).stamp)
    return Form(stamped=bool(lines) and stamped * 2 >= len(lines))


def text_of(data: bytes) -> str:
    """Bytes of a log as text: what is no UTF-8 becomes a mark."""
    return data.decode("utf-8", "replace")


def start_of(data: bytes, at: int, form: Form) -> int:
    """Where the event begins that the byte at that place belongs to."""
    if form.export:
        return _after(data.rfind(b"\n\n", max(0, at - LONGEST), at), 2, max(0, at - LONGEST))
    floor = max(0, at - LONGEST)
    begin = _after(data.rfind(b"\n", floor, at), 1, floor)
    line = _line(data, begin)
    while begin > floor:
        before = _after(data.rfind(b"\n", floor, begin - 1), 1, floor)
        previous = _line(data, before)
        if not continues(previous, line, form):
            return begin
        begin, line = before, previous
    return begin


def end_of(data: bytes, at: int, form: Form) -> int:
    """Where the event ends that the byte at that place belongs to: after its last line's end."""
    if form.export:
        top = min(len(data), at + LONGEST)
        return _past(data.find(b"\n\n", at, top), 2, top)
    return _end(data, at, form, None)[0]


def continues(previous: Line, line: Line, form: Form) -> bool:
    """Whether a line goes on with the event of the one before it."""
    if not line.stamp and form.stamped:
        return True
    if bool(line.stamp) != bool(previous.stamp) or line.unit != previous.unit:
        return False
    if _same_record(previous, line):
        return True
    if line.text[:1] in (" ", "\t") and line.text.strip():
        return not line.context.startswith(_REQUEST)
    if line.text.startswith(_BETWEEN):
        return True
    inside = previous.text[:1] in (" ", "\t") or previous.text.startswith((_TRACEBACK, *_BETWEEN))
    return inside and bool(_RAISED.match(line.text)) and not line.context.startswith(_REQUEST)


def _same_record(previous: Line, line: Line) -> bool:
    """Whether oslo.log wrote both for one record: it gives every line of a traceback the head of an error.

    journald has a time of its own for each line.
    """
    if not line.bad or not line.module or line.module != previous.module or line.context.startswith(_REQUEST):
        return False
    return line.kind == "journal" or line.stamp == previous.stamp


def events(data: bytes, form: Form) -> Iterator[tuple[int, bytes]]:
    """All events of a text, each with where it begins: as :func:`end_of` has it, but each line is looked at once."""
    at = 0
    known: Line | None = None
    while at < len(data):
        end, known = (end_of(data, at, form), None) if form.export else _end(data, at, form, known)
        yield at, data[at:end]
        at = end


def _end(data: bytes, at: int, form: Form, line: Line | None) -> tuple[int, Line | None]:
    """Where the event ends that begins there, and the line behind it, as far as that is known.

    :param line: the one that it begins with; None: it is not known.
    """
    top = min(len(data), at + LONGEST)
    if line is None:
        floor = max(0, at - LONGEST)
        line = _line(data, _after(data.rfind(b"\n", floor, at), 1, floor))
    end = _past(data.find(b"\n", at, top), 1, top)
    while end < top:
        following = _line(data, end)
        if not continues(line, following, form):
            return end, following
        line, end = following, _past(data.find(b"\n", end, top), 1, top)
    return end, None


@dataclass(frozen=True, slots=True)
class Said:
    """What an event says. :ivar message: its text, as searches know it: whole, but for journald's export form.

    :ivar first: its first line.
    """

    message: str
    first: Line


def said(data: bytes, form: Form) -> Said:
    """An event's text and head."""
    text = text_of(data).rstrip("\n")
    if not form.export:
        return Said(text, line_of(text[: text.find("\n")] if "\n" in text else text))
    fields = dict(line.partition("=")[::2] for line in text.split("\n") if "=" in line)
    message = fields.get("MESSAGE", "")
    inner = oslo_of(message) or line_of(message)
    unit = fields.get("_SYSTEMD_UNIT", fields.get("SYSLOG_IDENTIFIER", "")).removesuffix(".service")
    level = inner.level or _LEVELS.get(fields.get("PRIORITY", ""), "")
    stamp = fields.get("__REALTIME_TIMESTAMP", "")
    return Said(
        message, Line("journal", stamp, inner.text, unit.removeprefix("devstack@"), level, inner.module, inner.context)
    )


def _line(data: bytes, begin: int) -> Line:
    end = data.find(b"\n", begin, begin + _HEAD)
    return line_of(text_of(data[begin : end if end >= 0 else begin + _HEAD]))


def _after(found: int, length: int, otherwise: int) -> int:
    return found + length if found >= 0 else otherwise


def _past(found: int, length: int, otherwise: int) -> int:
    return found + length if found >= 0 else otherwise
