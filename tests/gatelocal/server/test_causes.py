"""What a daemon thinks of its builds, from the folders that they have left."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.config.directories import Directories
from gatelocal.engine.understand import said_lines
from gatelocal.model.diagnosis import Cause, Sure
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.results.fingerprints.meaning import meant
from gatelocal.server.causes import Causes, kept
from gatelocal.store.builds import BuildRecord

BAD = TestResult("a.T.test", TestStatus.FAILURE, 0.5, "AssertionError: 1 != 2", "a.T")
GOOD = TestResult("a.T.test", TestStatus.SUCCESS, 0.5, "", "a.T")


def record(folder: Path, number: int, outcome: Outcome, *tests: TestResult, output: str = "") -> BuildRecord:
    own = folder / str(number)
    own.mkdir()
    (own / "job-output.txt").write_text(output)
    orders.put(own / RESULT, Final(BuildResult("unit", outcome, 3.0, tests=tests, logs=str(own))))
    return BuildRecord(
        *(number, 1, 1, "unit", "unit", "gate", "acme/app", "5", 1, True, False, 100.0 + number),
        state="done",
        result=outcome.value,
        ended=200.0 + number,
        folder=str(own),
        trees={"acme/app": {"master": "t1"}},
    )


def test_causes_are_found_and_builds_remembered(tmp_path: Path) -> None:
    prints = tmp_path / "prints"
    prints.mkdir()
    (prints / "123.yaml").write_text(json.dumps({"query": 'message:"it hangs again" AND tags:console'}))
    said: list[str] = []
    causes = Causes(Directories(tmp_path, tmp_path), (prints,), said.append)
    rows = [
        record(tmp_path, 1, Outcome.SUCCESS, GOOD),
        record(tmp_path, 2, Outcome.FAILURE, BAD),
        record(tmp_path, 3, Outcome.FAILURE, BAD, output="it hangs again\n"),
    ]
    for _ in range(2):
        found = causes(rows)
        assert {number: one.cause for number, one in found.items()} == {2: Cause.FLAKY, 3: Cause.KNOWN}
    assert [bug.bug for bug in found[3].bugs] == ["123"]
    assert [kept(one) for one in rows] == [None, found[2], found[3]], "the page has it, too"
    with closing(said_lines(causes.directories)) as lines:
        assert [build for build, _ in lines.search(meant('message:"it hangs"').asks)] == ["serve/3/3"]
    assert not said


def test_a_confirmation_and_the_branch_itself_are_counted(tmp_path: Path) -> None:
    causes = Causes(Directories(tmp_path, tmp_path), (), print)
    first, second = record(tmp_path, 1, Outcome.FAILURE, BAD), record(tmp_path, 2, Outcome.FAILURE, BAD)
    assert causes([second, first])[2].cause is Cause.DETERMINISTIC, "the newest comes first in the history"
    other = {"acme/app": {"master": "t2"}}
    tip = {"acme/app": {"master": "c0"}}
    third = replace(record(tmp_path, 3, Outcome.FAILURE, BAD), item=2, trees=other)
    control = replace(
        record(tmp_path, 4, Outcome.FAILURE, BAD),
        item=2,
        trees={"acme/app": {"master": "t0"}},
        control=True,
        commits=tip,
    )
    found = causes([control, third])
    assert (found[3].cause, found[3].sure) == (Cause.TRUNK, Sure.CERTAIN)


def test_what_cannot_be_read_costs_no_message(tmp_path: Path) -> None:
    said: list[str] = []
    row = record(tmp_path, 1, Outcome.FAILURE, BAD)
    (tmp_path / "1" / RESULT).write_text("{")
    assert Causes(Directories(tmp_path, tmp_path), (), said.append)([row]) == {}
    assert said[0].startswith("nothing is said of whose fault failures are")
