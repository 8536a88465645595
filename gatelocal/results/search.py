"""The search for the first bad one of a row by halves, where some say nothing: what is asked next, and what is known.

It holds for rows that change their mind once. Nothing is asked here.
"""

from __future__ import annotations

from gatelocal.model.record import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Search:
    """What is known of a row, by places from 0.

    :ivar good: the last that is known to be good. :ivar bad: the first that is known to be bad.
    :ivar silent: places that say nothing.
    """

    good: int
    bad: int
    silent: frozenset[int] = field(default_factory=frozenset)

    @property
    def next(self) -> int | None:
        """The place to ask, the nearest to the middle; None: nothing more can be known."""
        left = [place for place in range(self.good + 1, self.bad) if place not in self.silent]
        return min(left, key=lambda place: abs(2 * place - self.good - self.bad)) if left else None

    @property
    def culprits(self) -> tuple[int, ...]:
        """The places one of which is the first bad one."""
        return tuple(range(self.good + 1, self.bad + 1))

    def told(self, place: int, good: bool | None) -> Search:
        """With an answer; None: it says nothing."""
        if good is None:
            return replace(self, silent=self.silent | {place})
        return replace(self, good=place) if good else replace(self, bad=place)


def most(count: int) -> int:
    """How many are asked at most between the ends of a row with so many places behind the first, if each answers."""
    return max(count - 1, 0).bit_length()
