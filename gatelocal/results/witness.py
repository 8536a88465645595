"""What the witness told of one run of pytest or stestr (see `gatelocal.executor.witness`), as tests with outcomes.

Its lines come from a machine that the change had in its hands: each is looked at, and what makes no sense is a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.missing import never_ran
from gatelocal.results.names import class_of, of_pytest
from gatelocal.results.stream import Stream, shortened
from gatelocal.results.texts import CUT

_STATUS: Mapping[str, TestStatus] = {
    one.value: one for one in (TestStatus.SUCCESS, TestStatus.FAILURE, TestStatus.SKIP, TestStatus.EXPECTED_FAILURE)
}
_LONGEST = 1e8


@dataclass(slots=True)
class Told:
    """One run.

    :ivar tool: ``pytest`` or ``stestr``. :ivar env: its tox environment; empty when it had none.
    :ivar listed: the ids of the tests that were chosen; None when the run did not come to that.
    :ivar began: ids of tests that began, as far as it does not tell their end. :ivar ended: ids of those that ended.
    :ivar streams: the names of files that hold its results.
    :ivar status: what the run itself ended with; None when it did not come to its end.
    """

    tool: str = ""
    env: str = ""
    listed: list[str] | None = None
    began: dict[str, None] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)
    tests: list[TestResult] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    status: int | None = None
    broken: int = 0


def parse(data: bytes) -> Told:
    """Read the lines of one run."""
    told = Told()
    for line in data.splitlines():
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            told.broken += 1
            continue
        if not isinstance(one, dict) or not _understood(one, told):
            told.broken += 1
    return told


def stream_of(told: Told, streams: Iterable[Stream]) -> Stream:
    """The run as one stream: what it told itself, what its own streams tell, and which of its tests never ran.

    :param streams: those that :attr:`Told.streams` names, read.
    """
    others = list(streams)
    tests = [*told.tests, *(test for one in others for test in one.tests)]
    notes = [note for one in others for note in one.notes]
    if told.broken:
        notes.append(f"{told.broken} lines of what {told.tool or 'a test program'} told make no sense")
    ended = {*told.ended, *(test.name for one in others for test in one.tests)}
    cut = [name for name in told.began if name not in ended]
    tests += [_test(told.tool, name, TestStatus.FAILURE, None, CUT) for name in cut]
    if told.listed is None:
        return Stream(tuple(tests), tuple(notes))
    ended.update(cut)
    if told.tool == "pytest":
        ended = {of_pytest(name)[0] for name in ended}
        return Stream(tuple(tests), tuple(notes), never_ran([of_pytest(name)[0] for name in told.listed], ended))
    return Stream(tuple(tests), tuple(notes), never_ran(told.listed, ended))


def _understood(one: Mapping[str, object], told: Told) -> bool:
    match one:
        case {"tool": str(tool), "env": str(env)}:
            told.tool, told.env = tool, env
        case {"listed": list(ids)} if all(isinstance(name, str) for name in ids):
            told.listed = [*(told.listed or ()), *ids]
        case {"began": str(name)}:
            told.began[name] = None
        case {"test": str(name), "status": str(word), "seconds": took, "details": str(details)} if word in _STATUS:
            told.began.pop(name, None)
            told.ended[name] = None
            told.tests.append(_test(told.tool, name, _STATUS[word], took, details))
        case {"done": str(name)}:
            told.began.pop(name, None)
            told.ended[name] = None
        case {"stream": str(name)}:
            told.streams.append(name)
        case {"end": int(status)}:
            told.status = status
        case _:
            return False
    return True


def _test(tool: str, node: str, status: TestStatus, took: object, details: str) -> TestResult:
    name, classname = of_pytest(node) if tool == "pytest" else (node, class_of(node))
    sane = isinstance(took, int | float) and not isinstance(took, bool) and 0 <= took < _LONGEST
    seconds = float(took) if sane and isinstance(took, int | float) else None
    return TestResult(name, status, seconds, shortened(details), classname)
