"""Whose fault it is: each rule, and the order in which they are asked."""

from __future__ import annotations

import pytest

from gatelocal.model.diagnosis import Cause, KnownBug, NewLine, Sure
from gatelocal.model.result import Outcome
from gatelocal.results.blame import Before, Facts, judged

BUG = KnownBug("123", "It hangs", "https://bug/123", "a.log", 7, "it hangs", 2, "bug 123 was met before")
TEST = ("a.T.test",)
DISK = ("syslog:3: No space left on device",)


def before(**counts: int) -> dict[str, Before]:
    return {"a.T.test": Before(**counts), "": Before(**counts)}


@pytest.mark.parametrize(
    ("facts", "cause", "sure"),
    [
        (Facts(Outcome.NODE_FAILURE, reason="the node is gone"), Cause.ENVIRONMENT, Sure.CERTAIN),
        (Facts(Outcome.RETRY_LIMIT, reason="3 attempts"), Cause.ENVIRONMENT, Sure.LIKELY),
        (Facts(Outcome.RETRY_LIMIT, reason="3 attempts", touched=("x",)), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.DISK_FULL), Cause.ENVIRONMENT, Sure.CERTAIN),
        (Facts(Outcome.CONFIG_ERROR, reason="no tox"), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, whole=DISK, before=before(same_failed=4)), Cause.ENVIRONMENT, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, before=before(same_passed=1)), Cause.FLAKY, Sure.CERTAIN),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,), before=before(same_passed=1)), Cause.KNOWN, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, before=before(base_failed=2, same_failed=2)), Cause.TRUNK, Sure.CERTAIN),
        (Facts(Outcome.FAILURE, TEST, before=before(base_failed=2, base_earlier=True)), Cause.TRUNK, Sure.LIKELY),
        (Facts(Outcome.FAILURE, (), before=before(base_failed=2)), Cause.TRUNK, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, before=before(base_failed=1, base_passed=1)), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, before=before(others_failed=2)), Cause.TRUNK, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, before=before(others_failed=2, others_flaked=1)), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, before=before(others_failed=2, base_passed=1)), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,)), Cause.KNOWN, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,), named=frozenset(("123",))), Cause.KNOWN, Sure.CERTAIN),
        (Facts(Outcome.FAILURE, (), bugs=(BUG,)), Cause.KNOWN, Sure.CERTAIN),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,), before=before(same_failed=1)), Cause.KNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,), before=before(same_failed=2)), Cause.DETERMINISTIC, Sure.CERTAIN),
        (Facts(Outcome.FAILURE, TEST, around={"a.T.test": "x"}), Cause.ENVIRONMENT, Sure.LIKELY),
        (Facts(Outcome.FAILURE, ("b", *TEST), around={"a.T.test": "x"}), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, (), around={"": "x"}), Cause.ENVIRONMENT, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, around={"": "x"}), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.TIMED_OUT), Cause.ENVIRONMENT, Sure.GUESS),
        (Facts(Outcome.TIMED_OUT, before=before(same_failed=1)), Cause.DETERMINISTIC, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, before=before(same_failed=1)), Cause.DETERMINISTIC, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, touched=("a.py:3",)), Cause.DETERMINISTIC, Sure.LIKELY),
        (Facts(Outcome.FAILURE, TEST, before=before(passed=50)), Cause.UNKNOWN, Sure.GUESS),
        (Facts(Outcome.FAILURE, ("b", *TEST), before=before(same_passed=1)), Cause.UNKNOWN, Sure.GUESS),
    ],
)
def test_each_rule(facts: Facts, cause: Cause, sure: Sure) -> None:
    found = judged(facts)
    assert (found.cause, found.sure) == (cause, sure), found.because


def test_a_recheck_makes_sense_where_the_same_change_may_pass() -> None:
    assert judged(Facts(Outcome.FAILURE, TEST, bugs=(BUG,))).recheck
    assert not judged(Facts(Outcome.FAILURE, TEST, bugs=(BUG,), before=before(same_failed=1))).recheck
    assert not judged(Facts(Outcome.FAILURE, TEST, touched=("a.py:3",))).recheck
    assert not judged(Facts(Outcome.FAILURE, TEST)).recheck
    for facts, words in (
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,)), "makes sense"),
        (Facts(Outcome.FAILURE, TEST, bugs=(BUG,), before=before(same_failed=1)), "would most likely fail again"),
        (Facts(Outcome.FAILURE, TEST, touched=("a.py:3",)), "would most likely fail again"),
        (Facts(Outcome.FAILURE, TEST, before=before(base_failed=1)), "makes no sense before the branch is mended"),
        (Facts(Outcome.FAILURE, TEST), "look at it before a recheck"),
    ):
        assert words in judged(facts).advice


def test_evidence_says_what_was_seen_and_how_often() -> None:
    found = judged(Facts(Outcome.FAILURE, TEST, before=before(same_passed=1, same_failed=2, base_passed=3)))
    assert found.because == "it passed on the very same trees in another build: 4 builds, not all alike"
    assert found.evidence == ("a.T.test: on these trees 1 of 4 passed, on the branch alone 3 of 3",)
    assert judged(Facts(Outcome.FAILURE, TEST, bugs=(BUG,))).evidence == ("a.log:7: it hangs", "bug 123 was met before")


def test_where_to_look_first() -> None:
    new = (
        NewLine("b", 30, "worst", 9),
        NewLine("a", 1, "other log", 9),
        NewLine("b", 20, "cause", 8),
        NewLine("b", 1, "x", 2),
    )
    assert judged(Facts(Outcome.FAILURE, TEST, new=new)).first == NewLine("b", 20, "cause", 8)
    assert judged(Facts(Outcome.FAILURE, TEST)).first is None


def test_what_was_tried_several_times_is_not_sent_back_for_another() -> None:
    assert judged(Facts(Outcome.NODE_FAILURE)).advice == "a recheck makes sense"
    assert judged(Facts(Outcome.RETRY_LIMIT)).advice.startswith("it was tried several times already")
