"""Collections that a new state shares with the old one: a change costs what it touches, not what there is.

They are values: no method alters one. Time and memory of a change are of the order of the square root of the size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SMALLEST = 24
_CHUNK = 64


class Table(Generic[K, V]):
    """A mapping: a large base that is shared, and a small overlay of what has changed since it was made.

    None stands in the overlay for what was removed.
    """

    __slots__ = ("_base", "_over")

    def __init__(self, base: dict[K, V] | None = None, over: dict[K, V | None] | None = None) -> None:
        self._base: dict[K, V] = {} if base is None else base
        self._over: dict[K, V | None] = {} if over is None else over

    def get(self, key: K) -> V | None:
        """The value, None when there is none."""
        over = self._over
        return over[key] if key in over else self._base.get(key)

    def __getitem__(self, key: K) -> V:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def changed(self, changes: Mapping[K, V | None]) -> Table[K, V]:
        """A table with these values; None removes a key."""
        over = {**self._over, **changes}
        base = self._base
        if len(over) > _SMALLEST and len(over) * len(over) > len(base):
            base, over = _joined(base, over), {}
        table: Table[K, V] = Table.__new__(Table)  # without a call for its beginning: there are two for every event
        table._base, table._over = base, over
        return table

    def parts(self) -> tuple[dict[K, V], dict[K, V | None]]:
        """Base and overlay: a table that is made of them has its keys in the same order, now and later."""
        return self._base, self._over

    def since(self, older: Table[K, V]) -> dict[K, V | None]:
        """What :meth:`changed` has to be given to make this table of an older one; None stands for what is gone."""
        if self.shares(older):
            known = older._over
            return {key: one for key, one in self._over.items() if key not in known or known[key] is not one}
        old = _joined(older._base, older._over)
        new = _joined(self._base, self._over)
        found: dict[K, V | None] = {key: value for key, value in new.items() if old.get(key) is not value}
        return found | {key: None for key in old if key not in new}

    def shares(self, older: Table[K, V]) -> bool:
        """Whether it lies on the base of an older one."""
        return self._base is older._base

    def flat(self) -> Table[K, V]:
        """The same without an overlay."""
        return Table(_joined(self._base, self._over)) if self._over else self

    def items(self) -> Iterator[tuple[K, V]]:
        """Keys with their values."""
        return iter((_joined(self._base, self._over) if self._over else self._base).items())

    def values(self) -> Iterator[V]:
        """The values alone."""
        return (value for _, value in self.items())

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.items())

    def __len__(self) -> int:
        return len(_joined(self._base, self._over)) if self._over else len(self._base)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and dict(self.items()) == dict(other.items())

    def __hash__(self) -> int:
        return hash(frozenset(self))

    def __repr__(self) -> str:
        return f"Table({dict(self.items())!r})"


def _joined(base: dict[K, V], over: Mapping[K, V | None]) -> dict[K, V]:
    whole = dict(base)
    for key, value in over.items():
        if value is None:
            whole.pop(key, None)
        else:
            whole[key] = value
    return whole


class Line:
    """Numbers in ascending order, as the places in a queue: the next, the one before, the one at a place."""

    __slots__ = ("_chunks", "_size")

    def __init__(self, chunks: tuple[tuple[int, ...], ...] = (), size: int = 0) -> None:
        self._chunks = chunks
        self._size = size

    @staticmethod
    def of(numbers: tuple[int, ...]) -> Line:
        """A line of these numbers, which ascend."""
        return Line(tuple(numbers[at : at + _CHUNK] for at in range(0, len(numbers), _CHUNK)), len(numbers))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return (number for chunk in self._chunks for number in chunk)

    def __contains__(self, number: int) -> bool:
        at = self._chunk(number)
        if at == len(self._chunks):
            return False
        chunk = self._chunks[at]
        return chunk[bisect_left(chunk, number)] == number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Line{tuple(self)}"

    def _chunk(self, number: int) -> int:
        chunks = self._chunks
        if not chunks or number <= chunks[0][-1]:  # most of what happens is at the head, or at the tail
            return 0
        if number > chunks[-1][-1]:
            return len(chunks)
        if number > chunks[-2][-1]:
            return len(chunks) - 1
        return bisect_left(chunks, number, key=lambda chunk: chunk[-1])

    @property
    def first(self) -> int | None:
        """The head."""
        return self._chunks[0][0] if self._chunks else None

    @property
    def last(self) -> int | None:
        """The tail."""
        return self._chunks[-1][-1] if self._chunks else None

    def appended(self, number: int) -> Line:
        """With a number greater than all."""
        chunks = self._chunks
        if chunks and len(chunks[-1]) < _CHUNK:
            return Line((*chunks[:-1], (*chunks[-1], number)), self._size + 1)
        return Line((*chunks, (number,)), self._size + 1)

    def without(self, number: int) -> Line:
        """Without a number that is in it."""
        at = self._chunk(number)
        chunk = self._chunks[at]
        place = bisect_left(chunk, number)
        rest = chunk[:place] + chunk[place + 1 :]
        return Line((*self._chunks[:at], *((rest,) if rest else ()), *self._chunks[at + 1 :]), self._size - 1)

    def since(self, older: Line) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The numbers of an older line that are gone, and those that are new."""
        mine, others = set(map(id, self._chunks)), set(map(id, older._chunks))
        here = {number for chunk in self._chunks if id(chunk) not in others for number in chunk}
        there = {number for chunk in older._chunks if id(chunk) not in mine for number in chunk}
        return tuple(sorted(there - here)), tuple(sorted(here - there))

    def at(self, place: int) -> int | None:
        """The number at a place counted from 0; None beyond the end."""
        for chunk in self._chunks:
            if place < len(chunk):
                return chunk[place]
            place -= len(chunk)
        return None

    def place(self, number: int) -> int:
        """How many numbers are smaller."""
        at = self._chunk(number)
        before = sum(map(len, self._chunks[:at]))
        return before + (bisect_left(self._chunks[at], number) if at < len(self._chunks) else 0)

    def after(self, number: int) -> int | None:
        """The next greater number; `number` itself need not be in the line."""
        at = self._chunk(number + 1)
        if at == len(self._chunks):
            return None
        chunk = self._chunks[at]
        return chunk[bisect_left(chunk, number + 1)]

    def before(self, number: int) -> int | None:
        """The next smaller number; `number` itself need not be in the line."""
        at = self._chunk(number)
        if at < len(self._chunks):
            inside = bisect_left(self._chunks[at], number)
            if inside:
                return self._chunks[at][inside - 1]
        return self._chunks[at - 1][-1] if at else None
