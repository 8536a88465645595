"""Which other tests make a test fail: ever smaller sets of those that ran before or beside it, each in its own probe.

It says that some do only where the test passes alone and fails with them. A probe that says nothing is no failure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

Asked = tuple[str, ...]
"""Tests that are run before the one in question, in the same test program."""


class Finding(Enum):
    """What came out."""

    OTHERS = "others"
    """It fails with these others, and not alone."""
    ALONE = "alone"
    """It fails without any other."""
    NOT_SEEN = "not seen"
    """It fails neither alone nor with all others."""
    NOTHING = "nothing"
    """One of these two said nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a probe says. :ivar good: None: nothing, and `why` says why. :ivar cloned: it began with a clone."""

    asked: Asked
    good: bool | None
    why: str = ""
    logs: str = ""
    cloned: bool = False


@dataclass(frozen=True, slots=True)
class Isolated:
    """What came out. :ivar others: the tests with which it fails. :ivar replies: of all probes, in their order."""

    finding: Finding
    others: Asked
    replies: tuple[Reply, ...]


Probe = Callable[[Sequence[Asked]], Sequence[Reply]]
"""Makes several probes, which do not know of one another."""


def isolate(candidates: Asked, probe: Probe) -> Isolated:
    """Find the tests without any of which the test does not fail (Zeller's ``ddmin``); halves come first."""
    replies = list(probe([(), candidates]))
    alone, with_all = replies
    if alone.good is False:
        return Isolated(Finding.ALONE, (), tuple(replies))
    if alone.good is None or with_all.good is None:
        return Isolated(Finding.NOTHING, (), tuple(replies))
    if with_all.good:
        return Isolated(Finding.NOT_SEEN, (), tuple(replies))
    current, pieces = candidates, 2
    while len(current) > 1:
        parts = _split(current, pieces)
        smaller = _failing(parts, probe, replies)
        if smaller is None and pieces > 2:
            smaller = _failing([tuple(one for one in current if one not in part) for part in parts], probe, replies)
        if smaller is not None:
            current, pieces = smaller, 2
        elif pieces >= len(current):
            break
        else:
            pieces = min(2 * pieces, len(current))
    return Isolated(Finding.OTHERS, current, tuple(replies))


def _failing(sets: Sequence[Asked], probe: Probe, replies: list[Reply]) -> Asked | None:
    """The first of the sets with which it fails; all are asked at once."""
    found = probe(sets)
    replies += found
    return next((one.asked for one in found if one.good is False), None)


def _split(tests: Asked, pieces: int) -> list[Asked]:
    """Into so many parts, as equal as can be."""
    cuts = [len(tests) * at // pieces for at in range(pieces + 1)]
    return [tests[start:end] for start, end in pairwise(cuts) if start < end]
