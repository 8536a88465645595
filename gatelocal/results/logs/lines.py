"""One line of a log → its stamp, who says it, how bad it is, and its text; which lines are one event is told elsewhere.

Known are the console of a build, oslo.log's own form, journald's short forms with oslo.log's behind them, syslog, and
Python's logging as test programs attach it; of other lines with a stamp, the stamp and a level in capitals or brackets.
"""

from __future__ import annotations

import re

from gatelocal.model.record import dataclass

_LEVELS = "DEBUG|INFO|AUDIT|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|TRACE"
_STAMP = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_CONSOLE = re.compile(rf"(?P<stamp>{_STAMP}) (?P<sign>[|>])(?: |$)")
_OSLO = re.compile(
    rf"(?:(?P<stamp>{_STAMP}) )?(?:(?P<pid>\d+) )?(?P<level>{_LEVELS}) +"
    r"(?:\[(?P<logger>[\w.-]+)\]|(?P<module>[A-Za-z_][\w.-]*)(?= |$))(?: (?P<context>\[[^\]]*\]))?(?: |$)"
)
_JOURNAL = re.compile(
    r"(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.,+-]+Z?) (?P<host>[\w.-]+)"
    r" (?P<unit>[\w@.:/-]+?)(?:\.service)?(?:\[\d+\])?: "
)
_OTHER = re.compile(rf"\[?(?P<stamp>{_STAMP}|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d [\d:.]+ \d{{4}})\]? ?")
_LEVEL = re.compile(rf"(?:^|[\s\[:])(?P<level>{_LEVELS})(?=[\]:\s]|$)|\[(?P<word>[Ee]rror|[Ww]arning|[Nn]ote)\]")
_HEAD = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    :ivar kind: ``console``, ``own`` (our own words among a build's), ``oslo``, ``journal``, ``other``; ``plain`` for
        one without a stamp.
    :ivar stamp: the time as it is written. :ivar unit: the service or program. :ivar module: the logger's name.
    :ivar level: in capitals; empty where nothing tells. :ivar context: whose request it is, in its brackets.
    :ivar text: what is said.
    """

    kind: str
    stamp: str
    text: str
    unit: str = ""
    level: str = ""
    module: str = ""
    context: str = ""

    @property
    def bad(self) -> bool:
        """Whether it is marked as an error."""
        return self.level in ("ERROR", "CRITICAL", "FATAL", "TRACE")


def line_of(text: str) -> Line:
    """What a line is."""
    found = _CONSOLE.match(text) or _JOURNAL.match(text)
    if found is not None:
        rest, groups = text[found.end() :], found.groupdict()
        unit = groups.get("unit", "").removeprefix("devstack@")
        kind = "journal" if "unit" in groups else "own" if groups["sign"] == ">" else "console"
        inner = oslo_of(rest) or Line("", "", rest, level=_level(rest))
        return Line(kind, groups["stamp"], inner.text, unit, inner.level, inner.module, inner.context)
    own = oslo_of(text)
    if own and own.stamp:
        return own
    found = _OTHER.match(text)
    rest = text[found.end() :] if found else text
    return Line("other" if found else "plain", found["stamp"] if found else "", rest, level=_level(rest))


def oslo_of(text: str) -> Line | None:
    """A line as oslo.log or Python's logging writes it, with or without a stamp; None for another."""
    found = _OSLO.match(text)
    if found is None:
        return None
    module = found["module"] or found["logger"] or ""
    return Line("oslo", found["stamp"] or "", text[found.end() :], "", found["level"], module, found["context"] or "")


def _level(text: str) -> str:
    found = _LEVEL.search(text[:_HEAD])
    if found is None:
        return ""
    return found["level"] or {"e": "ERROR", "w": "WARNING", "n": "INFO"}[found["word"][0].lower()]
