"""How a job ends, by how its playbooks ended: Zuul's rules."""

from __future__ import annotations

import pytest

from gatelocal.executor.ansible.phases import CLEANUP, POST, PRE, RUN, End, Played, after, is_lost, judged
from gatelocal.model.plan import Playbook
from gatelocal.model.result import Outcome


def played(phase: str, end: End, name: str = "", level: int = 1) -> Played:
    return Played(phase, Playbook("p", name or phase, level=level), end, "" if end is End.WELL else f"{phase}: why")


WELL = [played(PRE, End.WELL), played(RUN, End.WELL), played(POST, End.WELL)]


@pytest.mark.parametrize(
    ("ends", "outcome", "why"),
    [
        ({}, Outcome.SUCCESS, ""),
        ({RUN: End.FAILED}, Outcome.FAILURE, "run: why"),
        ({RUN: End.TIMED_OUT}, Outcome.TIMED_OUT, "run: why"),
        ({RUN: End.TIMED_OUT, POST: End.FAILED}, Outcome.TIMED_OUT, "run: why"),
        ({RUN: End.UNREACHABLE}, Outcome.NODE_FAILURE, "run: why"),
        ({RUN: End.LACKING}, Outcome.NODE_FAILURE, "run: why"),
        ({RUN: End.REFUSED}, Outcome.CONFIG_ERROR, "run: why"),
        ({RUN: End.FAILED, POST: End.FAILED}, Outcome.POST_FAILURE, "post: why; before that, run: why"),
        ({POST: End.FAILED}, Outcome.POST_FAILURE, "post: why"),
        ({POST: End.TIMED_OUT}, Outcome.POST_FAILURE, "post: why"),
        ({POST: End.REFUSED}, Outcome.POST_FAILURE, "post: why"),
        ({POST: End.UNREACHABLE}, Outcome.NODE_FAILURE, "post: why"),
        ({RUN: End.FAILED, POST: End.UNREACHABLE}, Outcome.NODE_FAILURE, "post: why"),
        ({PRE: End.FAILED}, Outcome.NODE_FAILURE, "pre: why"),
        ({PRE: End.TIMED_OUT}, Outcome.NODE_FAILURE, "pre: why"),
        ({PRE: End.FAILED, POST: End.FAILED}, Outcome.NODE_FAILURE, "pre: why"),
        ({PRE: End.REFUSED}, Outcome.CONFIG_ERROR, "pre: why"),
    ],
)
def test_what_each_failure_means(ends: dict[str, End], outcome: Outcome, why: str) -> None:
    seen = [played(one.phase, ends.get(one.phase, End.WELL)) for one in WELL]
    assert judged(seen) == (outcome, why)
    assert judged([*seen, played(CLEANUP, End.FAILED)]) == (outcome, why)


def test_a_level_whose_preparation_was_not_begun_is_not_tidied_up() -> None:
    post = [Playbook("p", "leaf", level=3), Playbook("p", "middle", level=2), Playbook("p", "base", level=1)]
    began = [played(PRE, End.WELL, level=1), played(PRE, End.FAILED, level=2)]
    assert [book.path for book in after(began, post)] == ["middle", "base"]
    assert [book.path for book in after(began[:1], post)] == ["leaf", "middle", "base"]
    assert [book.path for book in after([], post)] == ["leaf", "middle", "base"]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(End.FAILED, Outcome.FAILURE), (End.TIMED_OUT, Outcome.FAILURE), (End.UNREACHABLE, Outcome.NODE_FAILURE)],
)
def test_a_job_that_says_so_is_not_tried_again_but_for_a_lost_node(end: End, outcome: Outcome) -> None:
    seen = [played(PRE, end), played(POST, End.FAILED)]
    assert judged(seen, once=True) == (outcome, "pre: why")
    assert (is_lost(seen), is_lost(seen, once=True)) == (True, outcome is Outcome.NODE_FAILURE)
