"""When a pipeline's timers go off."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatelocal.jobs.zuul.timers import Timer, timer_of, timers_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "after", "expected"),
    [
        ("0 6 * * *", "2026-11-30 05:59:59", "2026-11-30 06:00:00"),
        ("0 6 * * *", "2026-11-30 06:00:00", "2026-12-01 06:00:00"),
        ("*/20 * * * *", "2026-11-30 06:05:00", "2026-11-30 06:20:00"),
        ("5/20 * * * *", "2026-11-30 06:26:00", "2026-11-30 06:45:00"),
        ("10-30/10 4,8 * * *", "2026-11-30 04:30:00", "2026-11-30 08:10:00"),
        ("0 0 * * 0", "2026-11-30 00:00:00", "2026-12-07 00:00:00"),
        ("0 0 * * 6", "2026-11-30 00:00:00", "2026-12-06 00:00:00"),
        ("0 0 1 1 *", "2026-11-30 00:00:00", "2027-01-01 00:00:00"),
        ("0 0 29 2 *", "2026-11-30 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 * * * 30", "2026-11-30 00:00:10", "2026-11-30 00:00:30"),
        ("0 0 31 2 *", "2026-11-30 00:00:00", None),
    ],
)
def test_the_next_time(time: str, after: str, expected: str | None) -> None:
    assert timer_of(time).after(at(after)) == (at(expected) if expected else None)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("0 6 * *", "does not have the five to seven parts"),
        ("60 6 * * *", "'60' is not within 0 and 59"),
        ("0 6 0 * *", "'0' is not within 1 and 31"),
        ("0 6 * * mon", "'mon' is no part of a time"),
        ("5-2 * * * *", "'5-2' is not within"),
        ("*/0 * * * *", "'*/0' is not within"),
        ("0 0 * * * 0 soon", "'soon' is no number of seconds"),
        ("0 0 * * * 0 99999999999999999999", "is no number of seconds"),
        ("9" * 5000 + " * * * *", "is no part of a time"),
    ],
)
def test_what_is_no_time(time: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("*", r"\*")):
        timer_of(time)


def test_a_definition() -> None:
    found = list(timers_of({"trigger": {"timer": [{"time": "0 6 * * * 0 60"}, {"time": "soon"}, {}], "gerrit": []}}))
    assert found[0] == Timer((0,), (6,), *timer_of("0 6 * * *").__getstate__()[2:5], (0,), 60)  # type: ignore[index]
    assert found[1:] == ["'soon' does not have the five to seven parts of a time", "a timer names no time"]
    assert list(timers_of({})) == []
