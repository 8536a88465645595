"""What one result stream says, whatever its format, and several of them as one; it parses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatelocal.model.result import TestResult

LONGEST = 65_536
"""Characters of a test's details that are kept: the end of a traceback is what tells."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream.

    :ivar tests: in the order in which they ended; a test that ran twice is here twice.
    :ivar notes: what could not be read, each one sentence.
    """

    tests: tuple[TestResult, ...] = ()
    notes: tuple[str, ...] = ()


def merged(streams: Sequence[Stream]) -> tuple[TestResult, ...]:
    """All tests, each once by its name: the first stream's word counts, unless another says that it failed."""
    found: dict[str, TestResult] = {}
    for stream in streams:
        for test in stream.tests:
            known = found.get(test.name)
            if known is None or (test.failed and not known.failed):
                found[test.name] = test
    return tuple(found.values())


def shortened(details: str) -> str:
    """The end of the details, at most :data:`LONGEST` characters, with a mark where something is missing."""
    text = details.strip("\n")
    return text if len(text) <= LONGEST else f"...\n{text[-LONGEST:]}"
