"""What is thought of a build, from the folder that it has left and from what is known of others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gatelocal.config.directories import Directories
from gatelocal.config.fingerprint_files import folders, of_text
from gatelocal.engine.understand import By, judgement, memory, naming, thought_of, understood
from gatelocal.engine.work import Preparation, Tools
from gatelocal.errors import InputError
from gatelocal.model.diagnosis import Cause, Sure
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.model.seen import Seen
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.matcher import Matcher
from gatelocal.store.known import Known

SAID = "2026-11-30 12:00:0{}.1 | {}\n"


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Known]:
    found = memory(Directories(tmp_path, tmp_path / "state"))
    yield found
    found.close()


def fingerprint(query: str, bug: str = "123", **others: object) -> Fingerprint:
    found, faults = of_text(json.dumps({"query": query, **others}), bug)
    assert found is not None, faults
    return found


def build(folder: Path, outcome: Outcome, *lines: str, fails: str = "") -> BuildResult:
    folder.mkdir(exist_ok=True)
    (folder / "job-output.txt").write_text("".join(SAID.format(at, line) for at, line in enumerate(lines)))
    tests = (TestResult("a.T.test", TestStatus.FAILURE, 1.0, fails, "a.T"),) if fails else ()
    return BuildResult("unit", outcome, 3.0, tests=tests, logs=str(folder))


def seen(number: int, one: BuildResult, tree: str = "t") -> Seen:
    failed = tuple(test.name for test in one.failures)
    passed = ("a.T.test",) if one.outcome is Outcome.SUCCESS else ()
    return Seen(
        str(number),
        100.0 + number,
        "p",
        "master",
        "unit",
        one.outcome.value,
        "c",
        tree=tree,
        failed=failed,
        passed=passed,
    )


def test_new_lines_are_those_that_no_passing_build_has_said(tmp_path: Path, known: Known) -> None:
    by = By(Matcher(()), known)
    good = build(tmp_path / "1", Outcome.SUCCESS, "ERROR: always 17", "fine")
    assert thought_of(good, seen(1, good, "t1"), {}, (), by) == good
    bad = build(tmp_path / "2", Outcome.FAILURE, "ERROR: always 18", "fine", "ERROR: never before", fails="boom")
    found = thought_of(bad, seen(2, bad), {}, (), by).diagnosis
    assert found is not None
    assert [(one.file, one.line, one.text) for one in found.new] == [("job-output.txt", 3, "ERROR: never before")]
    assert (found.cause, found.first) == (Cause.UNKNOWN, found.new[0])


def test_a_bug_is_known_by_a_packed_log_or_by_what_a_test_says(tmp_path: Path, known: Known) -> None:
    prints = [fingerprint('message:"it hangs" AND tags:"n-cpu.txt"', "1"), fingerprint('message:"boom 7"', "2")]
    bad = build(tmp_path / "1", Outcome.FAILURE, "fine", fails="x\nboom: 7\n")
    (tmp_path / "1/logs").mkdir()
    (tmp_path / "1/logs/n-cpu.txt.gz").write_bytes(gzip.compress(b"a\nit hangs\n"))
    found = thought_of(bad, seen(1, bad), {}, (), By(Matcher(prints), known)).diagnosis
    assert found is not None
    assert [(one.bug, one.file, one.line) for one in found.bugs] == [
        ("1", "logs/n-cpu.txt.gz", 2),
        ("2", "a.T.test", 2),
    ]
    assert (found.cause, found.sure) == (Cause.KNOWN, Sure.CERTAIN)
    assert "bug 2" in found.because
    assert known.builds()[0].hits == (("1", 1), ("2", 1))


def test_a_fingerprint_of_other_tests_does_not_count(tmp_path: Path) -> None:
    bad = build(tmp_path / "1", Outcome.FAILURE, "it hangs", fails="boom")
    for tests, cause in ((["a.T.test"], Cause.KNOWN), (["a.T.other"], Cause.UNKNOWN)):
        prints = [fingerprint('message:"it hangs"', test_ids=tests)]
        assert judgement(bad, tmp_path / "1", {}, prints).cause is cause


def test_a_fingerprint_that_is_true_of_passing_builds_explains_nothing(tmp_path: Path, known: Known) -> None:
    by = By(Matcher([fingerprint('message:"fine"')]), known)
    for number in range(3):
        good = build(tmp_path / str(number), Outcome.SUCCESS, "fine")
        thought_of(good, seen(number, good, f"t{number}"), {}, (), by)
    bad = build(tmp_path / "9", Outcome.FAILURE, "fine", fails="boom")
    told = thought_of(bad, seen(9, bad), {}, (), by)
    assert told.diagnosis is not None
    assert (told.diagnosis.cause, told.diagnosis.bugs) == (Cause.UNKNOWN, ())
    assert told.notes == ("fingerprint 123 is true of passing builds too: it explains nothing",)


def test_trouble_of_the_node_comes_before_the_test(tmp_path: Path) -> None:
    bad = build(
        tmp_path / "1", Outcome.FAILURE, "kernel: Out of memory: Killed process 7 (mysqld)", fails="lost the database"
    )
    found = judgement(bad, tmp_path / "1", {}, ())
    assert found.cause is Cause.ENVIRONMENT
    assert found.evidence == ("job-output.txt:1: kernel: Out of memory: Killed process 7 (mysqld)",)


def test_what_a_failed_test_says_is_its_own(tmp_path: Path) -> None:
    """A test that wants a full disk and does not get its way is none of the node's troubles."""
    line = "OSError: [Errno 28] No space left on device"
    other = TestResult("a.T.other", TestStatus.FAILURE, 1.0, "1 != 2", "a.T")
    bad = build(tmp_path / "1", Outcome.FAILURE, line, fails=f"x\n{line}")
    bad = BuildResult("unit", bad.outcome, 3.0, tests=(*bad.tests, other), logs=bad.logs)
    assert judgement(bad, tmp_path / "1", {}, ()).cause is Cause.UNKNOWN


def test_lines_that_name_a_file_of_the_change(tmp_path: Path) -> None:
    bad = build(tmp_path / "1", Outcome.FAILURE, fails='  File "app/db.py", line 3\nREADME.rst')
    assert naming(bad, ["app/db.py", "README.rst"]) == ('File "app/db.py", line 3',)
    early = replace(
        bad, outcome=Outcome.RETRY_LIMIT, reason="3 attempts, the last: playbooks/pre.yaml: the task X failed"
    )
    assert naming(bad, ["playbooks/pre.yaml", "bindep.txt"]) == ()
    assert naming(early, ["playbooks/pre.yaml", "bindep.txt"]) == (early.reason, "the change touches bindep.txt")


def test_where_fingerprints_are(tmp_path: Path) -> None:
    places = Directories(tmp_path, tmp_path, tmp_path / "configuration")
    assert folders(places, {}) == ()
    (tmp_path / "configuration/fingerprints").mkdir(parents=True)
    assert folders(places, {}) == (tmp_path / "configuration/fingerprints",)
    assert folders(places, {"GATELOCAL_FINGERPRINTS": f"{tmp_path}:{tmp_path}"}) == (tmp_path, tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        folders(places, {"GATELOCAL_FINGERPRINTS": str(tmp_path / "none")})


def test_a_mistake_costs_the_opinion_alone(tmp_path: Path) -> None:
    said: list[str] = []
    bad = build(tmp_path / "1", Outcome.FAILURE, fails="boom")
    tools = cast(Tools, SimpleNamespace(directories=Directories(tmp_path, tmp_path / "state"), say=said.append))
    assert understood(tools, cast(Preparation, None), (bad,)) == (bad,)
    assert said[0].startswith("nothing is said of whose fault it is: AttributeError")
    (tmp_path / "state/known.sqlite").write_bytes(b"none" * 1000)
    assert understood(tools, cast(Preparation, None), (bad,)) == (bad,)
    assert said[1].startswith("nothing is said of whose fault it is: what is known of builds cannot be used: ")
    assert said[1].endswith("state/known.sqlite")
