"""New lines: what a failing build says and no passing build of the job ever has, in the order in which they tell most.

The order is a sum of small numbers that can be read below; it is no judgement of whose fault anything is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from gatelocal.model.diagnosis import NewLine
from gatelocal.model.text import plain
from gatelocal.results.logs.folded import digest, folded
from gatelocal.results.logs.joined import Form, events, form_of, said
from gatelocal.results.logs.lines import line_of

SHOWN = 20
"""New lines that are kept of a build."""

_TOLD = 300
_QUIET = re.compile(rb"\b(?:DEBUG|TRACE_DEBUG)\b")
_WORSE = re.compile(
    r"traceback|\bfail(?:ed|ure|s)?\b|\berrors?\b|exception|refused|timed? ?out|timeout|killed|cannot|could not|unable"
    r"|denied|no such|not found|mismatch|abort|panic|segfault|unreachable|assert",
    re.IGNORECASE,
)
_GOOD = re.compile(r"\b(?:PASSED|passed|ok|success(?:ful(?:ly)?)?|0 failed|0 errors)\b|\.\.\. ok")
_PYTEST = re.compile(r"E  +\S")
_RULE = re.compile(r"[-_=*#]{6}")
_MARKED = {"CRITICAL": 6, "FATAL": 6, "ERROR": 5, "TRACE": 4, "WARNING": 2, "WARN": 2}


Spoken = tuple[int, str, str, str, str]
"""An event that counts: where it begins, its level, its first line, that folded, and all of it."""


def spoken(data: bytes, form: Form) -> Iterator[Spoken]:
    """The events of a log that count.

    What is for debugging does not: it differs from run to run, and there is most of it. Nor does what we say ourselves.
    """
    for at, raw in events(data, form):
        if _QUIET.search(raw[:200]):
            continue
        found = said(raw, form)
        if found.first.kind == "own":
            continue
        message = found.message.strip()
        last = line_of(message.rpartition("\n")[2]).text.strip() if "\n" in message else ""
        alone = not any(sign.isalpha() for sign in last)
        text = found.first.text if alone else f"{found.first.text} ... {last}"
        whole = f"{found.first.unit} {found.first.module} {text}"
        if any(sign.isalpha() for sign in text):
            yield at, found.first.level, text, folded(whole), found.message


def new_in(
    name: str,
    data: bytes,
    known: Callable[[int], bool],
    words: Sequence[str],
    hear: Callable[[int, str, str, str], None] = lambda line, level, text, message: None,
) -> list[NewLine]:
    """The new lines of one log, the ones that tell most first, each once.

    :param known: whether a passing build has said what has that digest. :param words: names of tests that failed.
    :param hear: is told of each, also of those that are left out: line, level, what it says, and all of the event.
    """
    found: dict[int, NewLine] = {}
    met: set[int] = set()
    line = counted = 0
    for at, level, text, told, message in spoken(data, form_of(data)):
        number = digest(told)
        if number in met or known(number):
            continue
        met.add(number)
        line += data.count(b"\n", counted, at)
        counted = at
        hear(line + 1, level, text, message)
        score = _score(level, text, words)
        if score > 0:
            found[number] = NewLine(name, line + 1, plain(text)[:_TOLD], score)
    return ranked(found.values())


def ranked(lines: Iterable[NewLine]) -> list[NewLine]:
    """Those that tell most first; of equal ones, those that come first."""
    return sorted(lines, key=lambda one: (-one.score, one.line))[:SHOWN]


def _score(level: str, text: str, words: Sequence[str]) -> int:
    score = 1 + _MARKED.get(level, 0)
    score += min(3, len({found.lower() for found in _WORSE.findall(text)}))
    score += 3 if "Traceback" in text else 0
    score += 2 if any(word in text for word in words) else 0
    score += 2 if _PYTEST.match(text) else 0
    score -= 4 if _RULE.search(text) else 0
    return score - (4 if _GOOD.search(text) and level not in _MARKED else 0)
