"""How often something happens, never without how sure that is: counts → shares with their intervals; it counts nothing.

Intervals are Wilson's, for a confidence of 95 %: they stay within 0 and 1, and say something for no events at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist

from gatelocal.model.record import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many. :ivar count: of them. :ivar of: in all."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share seen; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares the true one lies, with that confidence; of nothing, it may be any."""
        return wilson(self.count, self.of)


def wilson(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The shares p for which what was seen is no more than z standard deviations away: Wilson's score interval.

    :raises ValueError: more than all, fewer than none, or a confidence that is none.
    """
    if not 0 <= count <= of or not 0 < confidence < 1:
        raise ValueError(f"{count} of {of} at {confidence}")
    if not of:
        return 0.0, 1.0
    square = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = (count + square / 2) / (of + square)
    half = math.sqrt(square * (count * (of - count) / of + square / 4)) / (of + square)
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return low, high


def any_of(rates: Iterable[Rate]) -> tuple[float, float, float]:
    """The chance that one of several independent things happens: what is seen, and at least and at most.

    The bounds are those of all of them together, which is wider than need be. What was never tried adds nothing to the
    first two, and leaves the last open.
    """
    seen = low = high = 1.0
    for one in rates:
        least, most = one.interval
        seen *= 1 - (one.share or 0.0)
        low *= 1 - (least if one.of else 0.0)
        high *= 1 - most
    return 1 - seen, 1 - low, 1 - high


def repetitions(rate: float, confidence: float = CONFIDENCE) -> int:
    """How many builds without a failure rule out a flake of that rate. :raises ValueError: either is none."""
    if not 0 < rate < 1 or not 0 < confidence < 1:
        raise ValueError(f"{rate} at {confidence}")
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate))
