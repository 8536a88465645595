"""Rates against closed forms, and what a while's builds say."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatelocal.model.seen import Seen
from gatelocal.results.rates import Rate, any_of, repetitions, wilson
from gatelocal.results.stats import flakes, stats

COUNTS = st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
LEVELS = st.sampled_from((0.8, 0.9, 0.95, 0.99))


@given(COUNTS, LEVELS)
def test_the_bounds_are_the_roots_of_the_score_equation(counts: tuple[int, int], level: float) -> None:
    count, of = counts
    square = NormalDist().inv_cdf((1 + level) / 2) ** 2
    for bound in wilson(count, of, level):
        assert math.isclose((count / of - bound) ** 2 * of, square * bound * (1 - bound), rel_tol=1e-6, abs_tol=1e-9)


@given(COUNTS, LEVELS)
def test_the_interval_has_what_was_seen_and_narrows(counts: tuple[int, int], level: float) -> None:
    count, of = counts
    low, high = wilson(count, of, level)
    assert 0 <= low <= count / of <= high <= 1
    more = wilson(count * 4, of * 4, level)
    assert more[1] - more[0] < high - low
    turned = wilson(of - count, of, level)
    assert math.isclose(turned[0], 1 - high, abs_tol=1e-12) and math.isclose(turned[1], 1 - low, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (5, 10, 0.23659, 0.76341),
        (1, 100, 0.00177, 0.05449),
    ],
)
def test_known_values(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


@pytest.mark.parametrize("of", [20, 50, 100])
def test_it_covers_the_true_share_about_as_often_as_it_says(of: int) -> None:
    """Exactly, over the binomial distribution: on the mean of all shares."""
    shares = [number / 200 for number in range(10, 191)]
    covered = 0.0
    for share in shares:
        inside = [k for k in range(of + 1) if wilson(k, of)[0] <= share <= wilson(k, of)[1]]
        covered += sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in inside)
    assert 0.94 < covered / len(shares) < 0.97


def test_of_nothing_anything_may_be() -> None:
    assert Rate(0, 0).share is None
    assert Rate(0, 0).interval == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.floats(0.001, 0.2), st.integers(1, 30))
def test_the_chance_that_one_of_many_happens(rate: float, jobs: int) -> None:
    of = 1000
    count = round(rate * of)
    seen, low, high = any_of([Rate(count, of)] * jobs)
    assert math.isclose(seen, 1 - (1 - count / of) ** jobs, rel_tol=1e-9, abs_tol=1e-12)
    assert low <= seen <= high


def test_twenty_jobs_of_a_gate() -> None:
    assert [round(any_of([Rate(percent, 100)] * 20)[0], 2) for percent in (1, 2, 5)] == [0.18, 0.33, 0.64]
    assert any_of([Rate(0, 0)]) == (0.0, 0.0, 1.0)


@given(st.floats(0.001, 0.5), st.floats(0.5, 0.999))
def test_repetitions_are_the_least_that_will_do(rate: float, confidence: float) -> None:
    count = repetitions(rate, confidence)
    assert 1 - (1 - rate) ** count >= confidence - 1e-9
    assert count == 1 or 1 - (1 - rate) ** (count - 1) < confidence + 1e-9


def test_repetitions_as_they_are_told() -> None:
    assert (repetitions(0.1, 0.9), repetitions(0.01, 0.9)) == (22, 230)


def test_a_flake_is_told_by_trees() -> None:
    tries = [("a", True), ("a", False), ("a", True), ("b", False), ("b", False), ("c", True)]
    assert flakes(tries) == Rate(1, 4)


def build(number: int, outcome: str, tree: str, **others: object) -> Seen:
    values = {"job": "unit", "at": 100.0 + number, "project": "p", **others}
    return Seen(str(number), branch="master", outcome=outcome, tree=tree, **values)  # type: ignore[arg-type]


def test_a_week_in_numbers() -> None:
    builds = [
        build(0, "FAILURE", "z", at=50.0),
        build(1, "SUCCESS", "a", passed=("T.x",), hits=(("7", 1),)),
        build(2, "FAILURE", "a", failed=("T.x",), cause="known bug", hits=(("7", 3), ("8", 1))),
        build(3, "FAILURE", "b", failed=("T.y",), cause="unknown"),
        build(4, "NODE_FAILURE", "b", cause="environment"),
        build(5, "SUCCESS", "c", job="docs", voting=False),
    ]
    found = stats(builds, 100.0, 0.0)
    assert (found.builds, found.outcomes) == (5, {"SUCCESS": 2, "FAILURE": 2, "NODE_FAILURE": 1})
    assert (found.causes, found.classified) == ({"known bug": 1, "unknown": 1, "environment": 1}, Rate(2, 3))
    docs, unit = found.jobs
    assert (unit.passes, unit.before, unit.flakes, docs.voting) == (Rate(1, 3), Rate(0, 1), Rate(1, 2), False)
    assert [(one.name, one.rate) for one in found.races] == [("unit: T.x", Rate(1, 2))]
    assert [(one.name, one.rate) for one in found.bugs] == [("7", Rate(1, 2)), ("8", Rate(1, 1))]
    assert [one.id for one in found.unexplained] == ["3"]
    assert found.unlucky["p"][0] == 0.5


def test_jobs_of_the_same_name_in_two_projects_are_two() -> None:
    builds = [
        build(0, "SUCCESS", "z", at=50.0, project="q"),
        build(1, "SUCCESS", "a", project="q", passed=("T.x",)),
        build(2, "FAILURE", "a", project="q", failed=("T.x",)),
        build(3, "SUCCESS", "b", passed=("T.x",)),
        build(4, "FAILURE", "c", failed=("T.x",)),
        build(5, "SUCCESS", "a", passed=("T.x",)),
    ]
    found = stats(builds, 100.0, 0.0)
    p, q = found.jobs
    assert ((p.project, p.passes, p.before), (q.project, q.passes, q.before)) == (
        ("p", Rate(2, 3), Rate(0, 0)),
        ("q", Rate(1, 2), Rate(1, 1)),
    )
    assert (p.flakes, q.flakes) == (Rate(0, 2), Rate(1, 2)), "q's failure is none of p's, though the trees are the same"
    assert [one.name for one in found.races] == ["q unit: T.x"]
    assert {project: chance[0] for project, chance in found.unlucky.items()} == {"p": 0.0, "q": 0.5}
