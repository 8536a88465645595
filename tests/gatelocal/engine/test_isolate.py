"""Ever smaller sets of tests, over probes that are made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from gatelocal.engine.isolate import Asked, Finding, Isolated, Reply, isolate

ALL = tuple(f"t{number}" for number in range(20))


def look(fails: Callable[[Asked], bool | None]) -> Isolated:
    def probe(sets: Sequence[Asked]) -> Sequence[Reply]:
        found = [fails(one) for one in sets]
        return [Reply(one, None if bad is None else not bad) for one, bad in zip(sets, found, strict=True)]

    return isolate(ALL, probe)


@pytest.mark.parametrize("culprit", ["t0", "t7", "t19"])
def test_one_culprit_is_found_by_halves(culprit: str) -> None:
    found = look(lambda asked: culprit in asked)
    assert (found.finding, found.others) == (Finding.OTHERS, (culprit,))
    assert len(found.replies) <= 2 + 2 * 5


def test_two_that_are_needed_together_are_both_found_in_their_order() -> None:
    found = look(lambda asked: {"t3", "t16"} <= set(asked))
    assert (found.finding, found.others) == (Finding.OTHERS, ("t3", "t16"))


@pytest.mark.parametrize(
    ("fails", "finding"),
    [
        (lambda asked: True, Finding.ALONE),
        (lambda asked: False, Finding.NOT_SEEN),
        (lambda asked: None, Finding.NOTHING),
        (lambda asked: None if not asked else True, Finding.NOTHING),
        (lambda asked: False if not asked else None, Finding.NOTHING),
    ],
)
def test_nobody_is_blamed_for_what_was_not_seen(fails: Callable[[Asked], bool | None], finding: Finding) -> None:
    found = look(fails)
    assert (found.finding, found.others, len(found.replies)) == (finding, (), 2)


def test_a_probe_that_says_nothing_is_no_failure_and_blames_nobody_more() -> None:
    found = look(lambda asked: None if len(asked) == 10 else "t3" in asked)
    assert found.finding is Finding.OTHERS and "t3" in found.others
