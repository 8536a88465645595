"""The search by halves: how many questions, and what is known where some say nothing."""

from __future__ import annotations

import pytest

from gatelocal.results.search import Search, most


def found(count: int, culprit: int, silent: frozenset[int] = frozenset()) -> tuple[Search, int]:
    search, asked = Search(0, count), 0
    while (place := search.next) is not None:
        asked += 1
        search = search.told(place, None if place in silent else place < culprit)
    return search, asked


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 100])
def test_each_culprit_is_found_in_as_many_questions_as_halves_need(count: int) -> None:
    for culprit in range(1, count + 1):
        search, asked = found(count, culprit)
        assert search.culprits == (culprit,)
        assert asked <= most(count)
    assert (most(1), most(2), most(16), most(17)) == (0, 1, 4, 5)


def test_a_culprit_that_says_nothing_itself_is_one_of_several() -> None:
    search, _ = found(16, 6, frozenset({6}))
    assert search.culprits == (6, 7)
    search, _ = found(16, 6, frozenset({5, 6, 7}))
    assert search.culprits == (5, 6, 7, 8)


def test_places_that_say_nothing_beside_the_way_cost_nothing_of_what_is_known() -> None:
    search, _ = found(16, 6, frozenset({1, 8, 15}))
    assert search.culprits == (6,)
    search, asked = found(4, 2, frozenset({1, 2, 3}))
    assert (search.culprits, asked) == ((1, 2, 3, 4), 3)
