"""What tries say: rates with their intervals, and what is never counted as a failure."""

from __future__ import annotations

import pytest

from gatelocal.model.result import NOT_THERE, BuildResult, Outcome, TestResult, TestStatus, Try
from gatelocal.results.tries import Said, Verdict, flake, said_of

NAME = "a.T.test"


def ended(status: TestStatus = TestStatus.SUCCESS, name: str = NAME, details: str = "") -> TestResult:
    return TestResult(name, status, 0.1, details)


GOOD = Try(Outcome.SUCCESS, 1.0, (ended(),))
BAD = Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, details="Traceback\nValueError: 17 of 9\n"),))
SKIP = Try(Outcome.SUCCESS, 1.0, (ended(TestStatus.SKIP, details="not here"),))
LOST = Try(Outcome.NODE_FAILURE, 1.0, reason="the node is gone")


def build(*tries: Try, job: str = "unit (1 of 1)") -> BuildResult:
    return BuildResult(job, Outcome.SUCCESS, 1.0, tries=tries)


def test_the_rate_is_of_tries_that_say_something_and_its_interval_holds_the_true_one() -> None:
    found = flake([build(*[GOOD] * 94, *[BAD] * 5, LOST), build(*[GOOD] * 96, *[BAD] * 4)], "unit", [NAME], 200)
    assert (found.verdict, found.rate.count, found.rate.of, found.lost) == (Verdict.FLAKY, 9, 199, 1)
    low, high = found.rate.interval
    assert low < 1 / 20 < high
    assert found.failures == {"ValueError: 17 of 9": 9} and found.reasons == {"the node is gone": 1}


@pytest.mark.parametrize(
    ("tries", "verdict"),
    [
        ([GOOD] * 3, Verdict.STEADY),
        ([BAD] * 3, Verdict.FAILS),
        ([BAD, GOOD], Verdict.FLAKY),
        ([LOST] * 3, Verdict.NOTHING),
        ([SKIP] * 3, Verdict.SKIPPED),
        ([LOST, GOOD], Verdict.STEADY),
        ([Try(Outcome.CONFIG_ERROR, 1.0, reason=NOT_THERE)], Verdict.ABSENT),
    ],
)
def test_the_verdict(tries: list[Try], verdict: Verdict) -> None:
    assert flake([build(*tries)], "unit", [NAME], len(tries)).verdict is verdict


def test_tries_that_were_never_made_are_lost_and_not_passed() -> None:
    found = flake([build(GOOD), BuildResult("unit (2 of 2)", Outcome.NODE_FAILURE, 0.0)], "unit", [NAME], 20)
    assert (found.rate.of, found.lost, found.verdict) == (1, 19, Verdict.STEADY)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one.machinery])
def test_the_machinery_never_fails_a_test_whatever_else_is_told(outcome: Outcome) -> None:
    bad = ended(TestStatus.FAILURE)
    for names in ([NAME], []):
        assert said_of(Try(outcome, 1.0, (bad,), reason="x"), names).said is Said.NOTHING


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Try(Outcome.FAILURE, 1.0, (ended(), ended(TestStatus.FAILURE, "a.T.other"))), Said.PASSED),
        (Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, "a.T.test[1]"),)), Said.FAILED),
        (Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, "setUpClass (a.T)"),)), Said.FAILED),
        (Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, "unittest.loader._FailedTest.a"),)), Said.NOTHING),
        (Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, "a"),)), Said.NOTHING),
        (Try(Outcome.FAILURE, 1.0, (ended(TestStatus.FAILURE, "a.T.tester"),)), Said.NOTHING),
        (Try(Outcome.FAILURE, 1.0, never_ran=(NAME,)), Said.NOTHING),
        (Try(Outcome.FAILURE, 1.0, reason="step 1 ended with status 2"), Said.NOTHING),
        (Try(Outcome.FAILURE, 1.0, reason="pytest: no tests ran in 0.01s"), Said.ABSENT),
        (Try(Outcome.FAILURE, 1.0, reason="pytest ran no test: all are deselected"), Said.ABSENT),
        (Try(Outcome.FAILURE, 1.0, reason="x: The test run didn't actually run any tests"), Said.ABSENT),
        (Try(Outcome.SUCCESS, 1.0, others=3), Said.ABSENT),
        (Try(Outcome.SUCCESS, 1.0, others=3, unnamed=3), Said.UNNAMED),
    ],
)
def test_what_one_try_says_of_a_test(one: Try, said: Said) -> None:
    assert said_of(one, [NAME]).said is said


def test_a_whole_job_goes_by_its_outcome() -> None:
    assert said_of(Try(Outcome.SUCCESS, 1.0), []).said is Said.PASSED
    assert said_of(Try(Outcome.TIMED_OUT, 1.0, reason="it took longer"), []).why == "it took longer"
    assert said_of(BAD, []).why == "ValueError: 17 of 9"


def test_a_test_of_which_only_failures_have_a_name_has_passed_elsewhere_if_it_is_known_to_be_there() -> None:
    silent = Try(Outcome.SUCCESS, 1.0, others=3, unnamed=3)
    assert flake([build(silent)], "unit", [NAME], 1).verdict is Verdict.ABSENT
    steady = flake([build(silent)], "unit", [NAME], 1, known=True)
    assert (steady.verdict, steady.seen) == (Verdict.STEADY, False), "it may not be there any more"
    flaky = flake([build(silent, BAD)], "unit", [NAME], 2)
    assert (flaky.verdict, flaky.seen) == (Verdict.FLAKY, True)
    assert flake([build(GOOD)], "unit", [NAME], 1).seen


@pytest.mark.parametrize(
    ("tries", "stuck"),
    [
        ([GOOD, BAD, BAD, BAD], True),
        ([GOOD, BAD, BAD], False),
        ([GOOD, BAD, BAD, BAD, GOOD], False),
        ([BAD, BAD, BAD, BAD], False),
        ([GOOD, GOOD, GOOD, GOOD], False),
    ],
)
def test_a_node_on_which_it_goes_on_failing_is_told(tries: list[Try], stuck: bool) -> None:
    assert flake([build(*tries)], "unit", [NAME], len(tries)).stuck is stuck


def test_each_of_several_tests_has_its_own_rate() -> None:
    other = TestResult("a.T.other", TestStatus.FAILURE)
    found = flake([build(GOOD, Try(Outcome.FAILURE, 1.0, (ended(), other)))], "unit", [NAME, "a.T.other"], 2)
    assert {name: (one.count, one.of) for name, one in found.each.items()} == {NAME: (0, 2), "a.T.other": (1, 1)}
    assert (found.rate.count, found.rate.of) == (1, 2)
