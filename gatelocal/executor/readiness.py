"""How far a node is with what comes before a job's tests, and who wants to know of it; nothing is done here.

What comes before them (packages, environments, setup steps) is the same each time: a node on which it was done once, or
a clone of one, begins with the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nobody() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Of one build's node.

    :ivar stands: all that comes before the tests was done on it, from the very trees that it has.
    :ivar reached: is called once the node stands ready, right before the tests.
    """

    stands: bool = False
    reached: Callable[[], None] = _nobody


FRESH = Readiness()
