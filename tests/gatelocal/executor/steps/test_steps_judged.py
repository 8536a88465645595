"""What the end of a step means; each sentence stands for a way to blame the right one."""

from __future__ import annotations

import pytest

from gatelocal.executor.results import Results
from gatelocal.executor.steps.judged import Ended, Told, judged, out_of_time
from gatelocal.model.result import Counted, Outcome, TestResult, TestStatus
from gatelocal.model.steps import Command

STEP = Command("step 1", "x")
SUITE = Command("step 1", "x", suite="pytest")
SETUP = Command("setup step 1", "x", setup=True)
GOOD = Results(tests=(TestResult("a.good", TestStatus.SUCCESS),))
BAD = Results(tests=(TestResult("a.bad", TestStatus.FAILURE),))
SKIPPED = Results(tests=(TestResult("a.skip", TestStatus.SKIP),))
NO_HOST = "curl: (6) Could not resolve host: example.com"
NO_SPACE = "cp: error writing 'x': No space left on device"


@pytest.mark.parametrize(
    ("ended", "outcome", "words"),
    [
        # It ended well.
        (Ended(STEP, 0), None, ""),
        (Ended(STEP, 0, (NO_HOST, NO_SPACE)), None, ""),
        (Ended(SUITE, 0, tests=Told(GOOD, told=True)), None, ""),
        (Ended(SUITE, 0, tests=Told(SKIPPED, told=True)), None, ""),
        (Ended(SUITE, 0, tests=Told(Results(counted=Counted(3)), told=True)), None, ""),
        (Ended(SUITE, 0), Outcome.CONFIG_ERROR, "nothing tells of a test: does it run the suite pytest?"),
        (Ended(SUITE, 0, tests=Told(told=True)), Outcome.FAILURE, "and no test ran in it"),
        (Ended(SUITE, 0, tests=Told(BAD, told=True)), Outcome.FAILURE, "though 1 test (a.bad) failed"),
        (Ended(STEP, 0, tests=Told(BAD, told=True)), Outcome.FAILURE, "though 1 test (a.bad) failed"),
        (
            Ended(STEP, 0, tests=Told(Results(unnoticed=("a", "b", "c", "d")))),
            Outcome.FAILURE,
            "though 4 tests (a, b, c, ...) never ran",
        ),
        (
            Ended(STEP, 0, tests=Told(silent="unittest")),
            Outcome.FAILURE,
            "step 1: unittest ended without a word on how many tests ran",
        ),
        # A step failed.
        (Ended(STEP, 1), Outcome.FAILURE, "step 1 ended with status 1"),
        (Ended(STEP, 137), Outcome.FAILURE, "was killed: the node's memory may be too small"),
        (Ended(SUITE, 1, tests=Told(BAD, told=True)), Outcome.FAILURE, ""),
        (Ended(SUITE, 1, tests=Told(GOOD, told=True)), Outcome.FAILURE, "step 1 ended with status 1"),
        (Ended(SUITE, 1, (NO_HOST,), tests=Told(BAD, told=True)), Outcome.FAILURE, ""),
        (Ended(SUITE, 1, (NO_HOST,), tests=Told(GOOD, told=True)), Outcome.FAILURE, "ended with status 1"),
        (Ended(SUITE, 1, (NO_HOST,)), Outcome.NODE_FAILURE, "a host name could not be resolved"),
        (Ended(STEP, 1, (NO_HOST,)), Outcome.NODE_FAILURE, "a host name could not be resolved"),
        (Ended(STEP, 1, ("a.c:1:10: fatal error: own.h: No such file or directory",)), Outcome.FAILURE, "status 1"),
        (
            Ended(STEP, 127, ("sh: 1: npm: not found",), node="x"),
            Outcome.CONFIG_ERROR,
            "no program npm (the node is x)",
        ),
        (Ended(STEP, 127, ("sh: line 1: npm: command not found",)), Outcome.CONFIG_ERROR, "no program npm"),
        (Ended(STEP, 127, ("sh: 1: ./run.sh: not found",)), Outcome.FAILURE, "ended with status 127"),
        (Ended(STEP, 1, ("sh: 1: npm: not found",)), Outcome.FAILURE, "ended with status 1"),
        (Ended(STEP, 1, (NO_SPACE,), free=0), Outcome.DISK_FULL, "the node's disk is full"),
        (Ended(STEP, 1, (NO_SPACE,)), Outcome.DISK_FULL, "the node's disk is full"),
        (Ended(STEP, 1, (NO_SPACE,), free=10**12), Outcome.FAILURE, "ended with status 1"),
        # The setup failed: never the change's failure.
        (
            Ended(SETUP, 1, ("E: boom",)),
            Outcome.CONFIG_ERROR,
            "could not be made: setup step 1 ended with status 1: E: b",
        ),
        (Ended(SETUP, 1, (NO_HOST,)), Outcome.NODE_FAILURE, "a host name could not be resolved"),
        (
            Ended(SETUP, 1, ("x.c:1:1: fatal error: libpq.h: No such file or directory",)),
            Outcome.NODE_FAILURE,
            "header",
        ),
        (Ended(SETUP, 1, ("ERROR: No matching distribution found for x",)), Outcome.CONFIG_ERROR, "could not be made"),
        (Ended(SETUP, 127, ("sh: 1: uv: not found",)), Outcome.CONFIG_ERROR, "no program uv"),
        (Ended(SETUP, 1, (NO_SPACE,), free=0), Outcome.DISK_FULL, "full"),
    ],
)
def test_verdicts(ended: Ended, outcome: Outcome | None, words: str) -> None:
    found = judged(ended)
    assert (found[0] if found else None) is outcome
    assert found is None or (words in found[1] and (words or not found[1]))


def test_a_step_without_an_end() -> None:
    assert out_of_time(STEP, 5, whole=True) == (Outcome.TIMED_OUT, "the job took longer than its 5 s; it was at step 1")
    assert out_of_time(STEP, 5, whole=False) == (Outcome.TIMED_OUT, "it took longer than 5 s: step 1")
    assert out_of_time(SETUP, 5, whole=True)[0] is Outcome.NODE_FAILURE
