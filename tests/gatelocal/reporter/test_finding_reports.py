"""What is said of a flake, of a first bad one and of tests that make another one fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus, Try
from gatelocal.reporter import bisected, flake, isolated
from gatelocal.results.tries import flake as counted

NAME = "a.T.test"
GOOD = Try(Outcome.SUCCESS, 1.0, (TestResult(NAME, TestStatus.SUCCESS),))
BAD = Try(Outcome.FAILURE, 1.0, (TestResult(NAME, TestStatus.FAILURE, 0.1, "E  boom \x1b[31m"),), logs="/l/3")
LOST = Try(Outcome.NODE_FAILURE, 1.0, reason="the node is gone")
UNNAMED = Try(Outcome.SUCCESS, 1.0, others=2, unnamed=2)


def last(*tries: Try, wanted: int = 0, known: bool = False) -> str:
    build = BuildResult("unit (1 of 1)", Outcome.SUCCESS, 1.0, tries=tries)
    return flake.lines(counted([build], "unit", [NAME], wanted or len(tries), known=known), "/l")[-1]


def test_the_verdict_on_a_flake_never_stands_without_how_sure_it_is() -> None:
    sure = "(95 % sure)"
    assert last(*[GOOD] * 9, BAD) == f"FLAKY: {NAME} fails in 1 of 10 tries: 10.0 % (1.8 % to 40.4 %, 95 % sure)"
    assert last(*[GOOD] * 100) == f"STEADY: {NAME} passed 100 times: it fails in less than 3.7 % of all cases {sure}"
    assert last(BAD, BAD) == f"FAILS: {NAME} failed 2 times of 2: in more than 34.2 % of all cases {sure}"
    assert last(LOST) == f"NO VERDICT: no try came to {NAME}, so nothing is said of it"
    assert last(UNNAMED, known=True).endswith("what passes has no name there, so it may not have run")


def test_lost_tries_and_the_first_failure_are_told_and_nothing_that_a_terminal_obeys() -> None:
    build = BuildResult("unit (1 of 1)", Outcome.SUCCESS, 1.0, tries=(GOOD, LOST, BAD))
    told = flake.lines(counted([build], "unit", [NAME], 5), "/l")
    assert "the first failure: try 3 of unit (1 of 1), /l/3" in told
    assert "3 tries came to nothing, which counts as no failure:" in told and "    1 time: the node is gone" in told
    assert not any("\x1b" in line for line in told)
    data = flake.as_json(counted([build], "unit", [NAME], 5), "/l")
    assert (data["verdict"], data["failed"], data["of"], data["lost"], data["seen"]) == ("flaky", 1, 2, 3, True)


PLACES = tuple(bisected.Place(f"c{n}", f"Commit {n}\x1b", str(n)) for n in range(3))
PROBES = (
    bisected.Probe("main", "good", "", 5.2, False, "", "/l/1"),
    bisected.Probe("c9 Commit 9", "bad", "boom", 0.0, False, "20261130", "/l/0"),
    bisected.Probe("c1 Commit 1", "says nothing", "a conflict", 6.0, True, "", ""),
)
REPORT = bisected.Report("commit", NAME, PLACES[:1], PROBES, "main", "c0", "boom", "/l/2")


def test_the_first_bad_one_stands_last_with_all_that_speaks_for_it() -> None:
    told = bisected.lines(REPORT)
    assert told[-1] == f"FIRST BAD: {NAME} fails since the commit c0 Commit 0\\x1b"
    assert "- c9 Commit 9 : bad (as the run 20261130 has seen)" in told
    assert "- c1 Commit 1 : says nothing (6 s, a clone)" in told and "    a conflict" in told
    assert "2 probes, 1 of them from clones" in told
    assert bisected.as_json(REPORT)["verdict"] == "found"


def test_several_are_none_of_them_the_first_bad_one() -> None:
    several = replace(REPORT, culprits=PLACES)
    assert bisected.lines(several)[-1] == f"NARROWED: {NAME} fails since one of these 3; all but the last say nothing"
    assert bisected.as_json(several)["verdict"] == "narrowed"


@pytest.mark.parametrize(
    ("finding", "others", "words"),
    [
        ("others", ("a.x",), f"CULPRIT: {NAME} passes alone and fails after a.x (2 probes)"),
        ("others", ("a.x", "a.y"), f"CULPRITS: {NAME} passes alone and fails with these 2 together (2 probes)"),
        ("alone", (), f"ALONE: {NAME} fails without any other test"),
        ("nothing", (), f"NO VERDICT: {NAME} alone, or with all others, said nothing"),
    ],
)
def test_which_others_it_fails_with(finding: str, others: tuple[str, ...], words: str) -> None:
    probes = (
        isolated.Probe((), "good", "", False, "/l/1"),
        isolated.Probe(("a.x", "a.y"), "bad", "boom", True, "/l/2"),
    )
    report = isolated.Report(NAME, finding, 2, 1, others, probes, "run")
    told = isolated.lines(report)
    assert told[1:4] == ["- alone : good", "- with 2 others, a.x to a.y : bad, a clone", "    boom"]
    assert told[-1] == words
    assert "NOT REPRODUCED" in isolated.verdict(replace(report, finding="not seen"))
