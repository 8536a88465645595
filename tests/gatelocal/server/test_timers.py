"""Timers put in what takes part, once at each time, and nothing that was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatelocal.jobs.zuul.timers import timer_of
from gatelocal.server.timers import Timers

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLACES = [("a", "master"), ("b", "master"), ("b", "stable")]


def timers(time: str, chances: list[float] | None = None) -> tuple[Timers, list[tuple[str, str, str]]]:
    told: list[tuple[str, str, str]] = []
    left = list(chances or [0.0] * 100)
    known = {"periodic": [timer_of(time)]}
    found = Timers(lambda: known, lambda _: PLACES, lambda *one: told.append(one), lambda: left.pop(0))
    return found, told


def test_each_time_once() -> None:
    found, told = timers("1 12 * * *")
    assert found.look(NOON) == 60.0
    assert found.look(NOON + timedelta(seconds=30)) == 30.0
    assert told == []
    found.look(NOON + timedelta(seconds=60.2))
    assert told == [("periodic", *place) for place in PLACES]
    found.look(NOON + timedelta(seconds=61))
    assert len(told) == 3


def test_what_was_missed_is_over() -> None:
    found, told = timers("1 12 * * *")
    found.look(NOON)
    found.look(NOON + timedelta(hours=2))
    found.look(NOON - timedelta(hours=2))
    assert told == []


def test_a_time_with_jitter_comes_to_each_by_itself() -> None:
    found, told = timers("1 12 * * * 0 100", [0.5, 0.1, 0.9])
    found.look(NOON)
    assert found.look(NOON + timedelta(seconds=60)) == 10.0
    assert told == []
    found.look(NOON + timedelta(seconds=75))
    assert told == [("periodic", "b", "master")]
    found.look(NOON + timedelta(seconds=120))
    assert [one[1:] for one in told] == [("b", "master"), ("a", "master")]
    found.look(NOON + timedelta(seconds=160))
    assert [one[1:] for one in told] == [("b", "master"), ("a", "master"), ("b", "stable")]
