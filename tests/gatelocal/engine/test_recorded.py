"""Which test of which job somebody means, by the folders of runs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.config.directories import Directories, directories
from gatelocal.engine.recorded import Meant, failure, find, flaked
from gatelocal.engine.request import GateRequest
from gatelocal.engine.run_folder import Begun, RunFolder
from gatelocal.errors import InputError
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus, Try
from tests.gatelocal.engine.test_past import run_of

OLD, NEW = "20261129-101112-abcdef", "20261130-101112-abcdef"


def build(job: str, *names: str, failed: str = "") -> BuildResult:
    tests = [TestResult(one, TestStatus.FAILURE if one == failed else TestStatus.SUCCESS) for one in names]
    return BuildResult(job, Outcome.FAILURE if failed else Outcome.SUCCESS, 1.0, tests=tuple(tests))


@pytest.fixture
def folders(tmp_path: Path) -> Directories:
    return directories({"GATELOCAL_STATE": str(tmp_path / "state"), "HOME": str(tmp_path)})


def ran(folders: Directories, tree: Path, name: str, *builds: BuildResult) -> None:
    folder = run_of(folders.runs, name, *builds)
    RunFolder(folder).begin(Begun(GateRequest(directory=tree), time.time()))


def test_the_job_in_which_it_failed_counts_more_than_one_in_which_it_passed(
    folders: Directories, tmp_path: Path
) -> None:
    ran(folders, tmp_path, OLD, build("py3", "a.x"), build("py4", "a.x", failed="a.x"))
    ran(folders, tmp_path, NEW, build("py3", "a.x"))
    assert find(folders, tmp_path, "a.x", "") == Meant("py4", ("a.x",), OLD)
    assert find(folders, tmp_path, "a.x", "py3") == Meant("py3", ("a.x",), NEW)


def test_without_a_test_it_is_what_has_failed_last(folders: Directories, tmp_path: Path) -> None:
    ran(folders, tmp_path, OLD, build("py3", "a.x", "a.y", failed="a.x"))
    ran(folders, tmp_path, NEW, build("py3", "a.x", "a.y"))
    assert find(folders, tmp_path, "", "") == Meant("py3", ("a.x",), OLD)
    assert find(folders, tmp_path, "", "lint") == Meant("lint", ()), "the job as a whole"
    ran(folders, tmp_path, "20261201-101112-abcdef", build("py3", "b", failed="b"), build("py4", "b", failed="b"))
    with pytest.raises(InputError, match="several jobs failed") as caught:
        find(folders, tmp_path, "", "")
    assert caught.value.hint == "say which with --job: py3, py4"


def test_runs_of_another_work_tree_do_not_count_but_by_their_names(folders: Directories, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ran(folders, other, OLD, build("py3", "a.x", failed="a.x"))
    with pytest.raises(InputError, match="has a test named"):
        find(folders, tmp_path, "a.x", "")
    with pytest.raises(InputError, match="no run of this work tree has any that failed"):
        find(folders, tmp_path, "", "")
    assert find(folders, tmp_path, "a.x", "", OLD) == Meant("py3", ("a.x",), OLD)


def test_an_unknown_test_is_told_with_its_like_and_may_be_new_where_its_job_is_named(
    folders: Directories, tmp_path: Path
) -> None:
    ran(folders, tmp_path, OLD, build("py3", "a.T.test_one"))
    with pytest.raises(InputError) as caught:
        find(folders, tmp_path, "a.T.test_on", "")
    assert caught.value.hint == "did you mean a.T.test_one?"
    assert find(folders, tmp_path, "a/t.py::test_new", "py3") == Meant("py3", ("a.t.test_new",))
    with pytest.raises(InputError, match="has no test of job py3 named"):
        find(folders, tmp_path, "a.T.new", "py3", OLD)


def test_parts_of_a_job_are_that_job(folders: Directories, tmp_path: Path) -> None:
    ran(folders, tmp_path, OLD, build("py3 (1 of 2)", "a.x", failed="a.x"), build("py3 (2 of 2)", "a.y"))
    assert find(folders, tmp_path, "a.x", "") == Meant("py3", ("a.x",), OLD)
    assert find(folders, tmp_path, "a.y", "") == Meant("py3", ("a.y",), OLD)


def test_what_a_search_has_met_is_not_what_failed_last(folders: Directories, tmp_path: Path) -> None:
    ran(folders, tmp_path, OLD, build("py3", "a.x", failed="a.x"))
    ran(folders, tmp_path, NEW, build("py3 (probe)", "a", failed="a"))
    assert find(folders, tmp_path, "", "") == Meant("py3", ("a.x",), OLD)
    assert find(folders, tmp_path, "", "", NEW) == Meant("py3", ("a",), NEW)


def test_a_job_that_is_named_alone_is_meant_as_a_whole(folders: Directories, tmp_path: Path) -> None:
    ran(folders, tmp_path, OLD, build("py3", "a.x", failed="a.x"))
    assert find(folders, tmp_path, "", "py3") == Meant("py3", ())


def test_a_test_that_has_flaked_is_known(folders: Directories, tmp_path: Path) -> None:
    good, bad = (
        Try(outcome, 1.0, (TestResult("a.x", status),))
        for outcome, status in ((Outcome.SUCCESS, TestStatus.SUCCESS), (Outcome.FAILURE, TestStatus.FAILURE))
    )
    wanted = Meant("py3", ("a.x",))
    ran(folders, tmp_path, OLD, replace(build("py3 (1 of 1)", "a.x", failed="a.x"), tries=(bad, bad)))
    assert flaked(folders, tmp_path, wanted) == ""
    ran(folders, tmp_path, NEW, replace(build("py3 (1 of 1)", "a.x", failed="a.x"), tries=(good, bad)))
    assert flaked(folders, tmp_path, wanted) == NEW
    assert flaked(folders, tmp_path, Meant("py4", ("a.x",))) == ""


def test_a_failure_that_was_recorded_counts_for_that_change_on_those_bases_alone(
    folders: Directories, tmp_path: Path
) -> None:
    change, base = "a" * 40, frozenset(("b" * 40,))
    wanted = Meant("py3", ("a.x",), OLD)
    ran(folders, tmp_path, OLD, build("py3", "a.x", "a.y", failed="a.x"))
    found = failure(folders, tmp_path, wanted, change, base)
    assert found is not None and found.run == OLD
    assert failure(folders, tmp_path, wanted, "f" * 40, base) is None
    assert failure(folders, tmp_path, wanted, change, frozenset(("f" * 40,))) is None
    assert failure(folders, tmp_path, Meant("py3", ("a.y",)), change, base) is None
    assert failure(folders, tmp_path, Meant("py3", ()), change, base) is not None
    ran(folders, tmp_path, NEW, build("py3", "a.x"))
    assert failure(folders, tmp_path, wanted, change, base) is None, "the latest run has the last word"
