"""What one result stream says, whatever its format, and several of them as one; it parses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gatelocal.model.result import TestResult, TestStatus

LONGEST = 65_536
"""Characters of a test's details that are kept: the end of a traceback is what tells."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream.

    :ivar tests: in the order in which they ended; a test that ran twice is here twice.
    :ivar notes: what could not be read, each one sentence.
    :ivar never_ran: the ids of tests that were chosen and of which it tells no end, though it should.
    """

    tests: tuple[TestResult, ...] = ()
    notes: tuple[str, ...] = ()
    never_ran: tuple[str, ...] = ()


def merged(streams: Iterable[Stream]) -> tuple[TestResult, ...]:
    """All tests, each once: of several streams that speak of one, that one counts which says that it failed, or ran.

    A stream may have a name more than once (tests that share it, tests that ran again): its first goes with the first
    of that name in the other streams, its second with the second.
    """
    found: dict[tuple[str, str, int], TestResult] = {}
    for stream in streams:
        seen: Counter[tuple[str, str]] = Counter()
        for test in stream.tests:
            name = (test.classname, test.name)
            key = (*name, seen[name])
            seen[name] += 1
            known = found.get(key)
            if known is None or _weight(test) > _weight(known):
                found[key] = test
    return tuple(found.values())


def _weight(test: TestResult) -> int:
    return 2 if test.failed else 0 if test.status is TestStatus.SKIP else 1


def shortened(details: str) -> str:
    """The end of the details, at most :data:`LONGEST` characters, with a mark where something is missing."""
    text = details.strip("\n")
    return text if len(text) <= LONGEST else f"...\n{text[-LONGEST:]}"
