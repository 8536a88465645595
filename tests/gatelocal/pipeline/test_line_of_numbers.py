"""A line of numbers does what a sorted list does, wherever in it something happens."""

from __future__ import annotations

from bisect import bisect_left
from random import Random

import pytest

from gatelocal.model.table import Line, Table


def looked_at(line: Line, numbers: list[int], asked: int) -> None:
    at = bisect_left(numbers, asked)
    after = numbers[at + 1 :] if asked in numbers else numbers[at:]
    assert (asked in line) is (asked in numbers)
    assert line.place(asked) == at
    assert line.after(asked) == (after[0] if after else None)
    assert line.before(asked) == (numbers[at - 1] if at else None)


@pytest.mark.parametrize("most", [3, 70, 400])
def test_it_is_a_sorted_list(most: int) -> None:
    random, numbers, line, last = Random(most), list[int](), Line(), 0  # noqa: S311 - a repeatable test
    for _ in range(6 * most):
        if len(numbers) < most and random.random() < 0.6:
            last += random.randint(1, 3)
            numbers.append(last)
            line = line.appended(last)
        elif numbers:
            gone = numbers.pop(random.choice((0, -1, random.randrange(len(numbers)))))
            line = line.without(gone)
        assert (len(line), line.first, line.last) == (
            len(numbers),
            *((numbers[0], numbers[-1]) if numbers else (None,) * 2),
        )
        for asked in (0, last, last + 1, random.randint(0, last + 2)):
            looked_at(line, numbers, asked)
    assert tuple(line) == tuple(numbers) and line.at(0) == line.first


def test_a_table_is_a_mapping_however_often_it_has_changed() -> None:
    random, table, known = Random(1), Table[int, str](), dict[int, str]()  # noqa: S311 - a repeatable test
    for _ in range(400):
        key, value = random.randrange(60), random.choice((None, "a", "b"))
        before, old = table, dict(known)
        table = table.changed({key: value})
        known.pop(key, None)
        known |= {} if value is None else {key: value}
        assert (dict(table.items()), dict(before.items())) == (known, old)
        assert (table.get(key), len(table), key in table) == (value, len(known), value is not None)
        assert before.changed(table.since(before)) == table
