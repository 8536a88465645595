"""What is remembered of builds, and what it says of a test that fails now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.model.seen import PARTIAL, Seen
from gatelocal.results.blame import Before
from gatelocal.store.known import Known

NOW = Seen(
    "run/now", 1000.0, "p", "master", "unit", "FAILURE", "c1", tree="t1", base="b1", failed=("a.T",), passed=("a.U",)
)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Known]:
    found = Known(f"sqlite:///{tmp_path / 'known.sqlite'}")
    yield found
    found.close()


def past(name: str, **others: object) -> Seen:
    return replace(NOW, id=name, at=900.0, **others)  # type: ignore[arg-type]


def test_builds_of_the_same_trees(known: Known) -> None:
    known.add(past("1", outcome="SUCCESS", failed=(), passed=("a.T", "a.U")))
    known.add(past("2"))
    known.add(past("3", outcome="SUCCESS", failed=(), passed=("a.U",)))  # it did not run the test
    known.add(past("4", tree="t2", outcome="SUCCESS", failed=(), passed=("a.T",)))
    known.add(past("5", project="other", outcome="SUCCESS", failed=(), passed=("a.T",)))
    known.add(NOW)
    found = known.before(NOW)["a.T"]
    assert (found.same_passed, found.same_failed, found.passed) == (1, 1, 2)


def test_the_branch_alone_and_other_changes(known: Known) -> None:
    known.add(past("1", alone=True, tree="x", base="b0"))
    known.add(past("2", alone=True, tree="y", base="b1", outcome="SUCCESS", failed=(), passed=("a.T",)))
    known.add(past("3", change="c2", tree="z"))
    known.add(past("4", change="c2", tree="z", outcome="SUCCESS", failed=(), passed=("a.T",)))
    known.add(past("5", change="c3", tree="w"))
    assert known.before(NOW)["a.T"] == Before(0, 0, 0, 1, 2, 1, 2)
    for base in ("b9", ""):
        other = known.before(replace(NOW, base=base))["a.T"]
        assert other.base_failed + other.base_passed == 1, "the latest one"
        assert other.base_earlier, "which is not the very base, and that is told"


def test_a_job_without_failed_tests(known: Known) -> None:
    now = replace(NOW, failed=(), passed=())
    known.add(past("1", failed=(), passed=()))
    known.add(past("2", outcome="SUCCESS", failed=(), passed=()))
    known.add(past("3"))  # it failed for a test of its own
    known.add(past("4", outcome=PARTIAL, failed=(), passed=("a.U",)))  # it ran only some of its tests
    assert known.before(now) == {"": Before(1, 1, 0, 0, 0, 0, 1)}


def test_what_passing_builds_said_and_where_bugs_were_met(known: Known) -> None:
    known.add(past("1", outcome="SUCCESS", hits=(("7", 2),)), [1, 2, 2**62])
    known.add(past("2", outcome="SUCCESS"), [2, 3])
    known.add(past("3", hits=(("7", 1),)))
    known.add(past("3", hits=(("8", 1),)))  # the same build once more
    assert known.said("p", "unit") == {1, 2, 3, 2**62}
    assert known.said("p", "other") == frozenset()
    assert (known.hit_rate("7"), known.hit_rate("8"), known.passes("p", "unit")) == ((1, 1), (0, 0), 2)
    first = known.builds()[0]
    assert (first.id, first.hits, first.passed) == ("1", (("7", 2),), ()), "what failed nowhere is not named"
    known.add(past("4", failed=("a.U",)))
    known.add(past("5", job="other", failed=("a.V",)))
    assert known.builds()[0].passed == ("a.U",)


def test_old_builds_are_forgotten(known: Known) -> None:
    known.add(past("1"))
    known.add(replace(NOW, id="2", at=2000.0))
    known.prune(1500.0)
    assert [one.id for one in known.builds()] == ["2"]


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "known.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InfrastructureError, match="what is known of builds"):
        Known(f"sqlite:///{tmp_path / 'known.sqlite'}")
