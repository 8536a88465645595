"""The helper that finds a build's own results, run here as a real program, and what the executor makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.executor import on_node, results_on_node, witness
from gatelocal.executor.results import results_in
from gatelocal.executor.watching import explained
from gatelocal.model.result import BuildResult, Counted, Outcome
from gatelocal.results.console import Console
from tests.gatelocal.results.test_console import UNITTEST, console

OLD = b"test: old.T.test\nsuccess: old.T.test\n"
NEW = b"test: new.T.test\nfailure: new.T.test [\nboom\n]\n"
CUT = b"test: cut.T.a\nsuccess: cut.T.a\n"


def asked(command: str, work: Path, out: Path, *words: str) -> str:
    program, helper, told = (Path(one.__file__).read_text() for one in (results_on_node, on_node, witness))
    common = [f"--work={work}", f"--into={out}", "--env=py3", "--junit=*junit*.xml", f"--witness={told}"]
    argv = [sys.executable, "-c", program, helper, command, *common, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    if command != "gather":
        return done.stdout
    argv = [sys.executable, "-c", helper, "collect", *common[:-1], *words]
    logs = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (logs.returncode, logs.stderr) == (0, ""), logs
    return done.stdout + logs.stdout


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    work, out = tmp_path / "work", tmp_path / "out"
    (work / ".stestr").mkdir(parents=True)
    (work / "sub/.stestr").mkdir(parents=True)
    for name in (".stestr/0", ".stestr/tmpold", "old-junit.xml"):
        (work / name).write_bytes(OLD)
    os.utime(work / ".stestr/0", (4e9, 4e9))
    asked("watch", work, out)
    return work, out


def gathered(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for name in ("streams", "junit") for path in (out / name).glob("*")}


def test_only_what_the_build_wrote_is_its_own_however_new_the_rest_looks(place: tuple[Path, Path]) -> None:
    work, out = place
    (work / ".stestr/failing").write_bytes(NEW)  # touched by a run that stored nothing
    asked("gather", work, out)
    assert gathered(out) == {}


def test_every_run_and_what_is_left_of_one_that_was_stopped(place: tuple[Path, Path]) -> None:
    work, out = place
    (work / ".stestr/1").write_bytes(NEW)
    (work / "sub/.stestr/0").write_bytes(OLD)
    (work / ".stestr/tmpq8_x").write_bytes(CUT)
    (work / ".stestr/0").write_bytes(NEW)  # the numbers begin anew when the repository is made anew
    asked("gather", work, out)
    assert sorted(gathered(out).values()) == sorted((NEW, NEW, OLD, CUT))


def test_junit_files_stay_within_and_are_plain(place: tuple[Path, Path], tmp_path: Path) -> None:
    work, out = place
    (tmp_path / "secret.xml").write_text("secret")
    (work / "link-junit.xml").symlink_to(tmp_path / "secret.xml")
    (work / "round-junit.xml").symlink_to(work / "round-junit.xml")
    os.mkfifo(work / "pipe-junit.xml")
    (work / "junit.xml").write_text("<testsuite/>")
    (work / ".tox/py3").mkdir(parents=True)
    (work / ".tox/py3/log").symlink_to(tmp_path)
    said = asked("gather", work, out, "--junit=../*.xml", "--junit=/etc/*.xml", "--junit=", "--junit=**/../../*.xml")
    assert list(gathered(out).values()) == [b"<testsuite/>"]
    assert "pipe-junit.xml" in said


def test_streams_that_lead_away_are_left(place: tuple[Path, Path], tmp_path: Path) -> None:
    work, out = place
    other = tmp_path / "other/.stestr"
    other.mkdir(parents=True)
    (other / "7").write_bytes(NEW)
    (work / ".stestr/7").symlink_to(other / "7")
    (work / "away").symlink_to(other.parent)
    (out / "streams/a.jsonl").write_text(f'{{"tool": "stestr", "env": "", "repository": "{other}"}}\n')
    asked("gather", work, out)
    assert list(gathered(out)) == ["a.jsonl"]


def test_no_test_begun_nothing_gathered(tmp_path: Path) -> None:
    (tmp_path / ".stestr").mkdir()
    (tmp_path / ".stestr/0").write_bytes(OLD)
    asked("gather", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


PYTEST = (
    b'{"tool": "pytest", "env": "py3", "xml": ""}\n{"listed": ["t/a.py::C::x[1.5]", "t/a.py::y", "t/a.py::z"]}\n'
    b'{"began": "t/a.py::C::x[1.5]"}\n'
    b'{"test": "t/a.py::C::x[1.5]", "status": "success", "seconds": 0.5, "details": ""}\n{"began": "t/a.py::y"}\n'
)
STESTR = (
    b'{"tool": "stestr", "env": "py3", "repository": "/w/.stestr"}\n{"listed": ["new.T.test", "new.T.other"]}\n'
    b'{"stream": "s.subunit", "origin": "/w/.stestr/0"}\n{"end": 0}\n'
)


def folder(tmp_path: Path, **files: bytes) -> Path:
    (tmp_path / "streams").mkdir(parents=True)
    for name, data in files.items():
        (tmp_path / "streams" / name.replace("_", ".")).write_bytes(data)
    return tmp_path


def test_a_pytest_that_dies_leaves_what_it_told(tmp_path: Path) -> None:
    found = results_in(folder(tmp_path, a_jsonl=PYTEST))
    assert [(test.classname, test.own_name, test.failed) for test in found.tests] == [
        ("t.a.C", "x[1.5]", False),
        ("t.a", "y", True),
    ]
    assert found.never_ran == found.unnoticed == ("t.a.z",)
    assert results_in(folder(tmp_path / "b", a_jsonl=PYTEST + b'{"end": 2}\n')).unnoticed == ()


def test_lines_that_make_no_sense_are_told(tmp_path: Path) -> None:
    found = results_in(folder(tmp_path, a_jsonl=PYTEST + b'{"test": 1}\n[1]\n{"began": "x', b_jsonl=b"\xff\n{}\n"))
    assert len(found.tests) == 2
    assert [note.partition(" ")[0] for note in found.notes] == ["3", "2"]


def build(tmp_path: Path, outcome: Outcome = Outcome.SUCCESS, text: str = "", reason: str = "") -> BuildResult:
    return explained(BuildResult("j", outcome, 1, reason=reason, logs=str(tmp_path)), console(text))


def test_green_is_red_when_tests_never_ran(tmp_path: Path) -> None:
    result = build(folder(tmp_path, a_jsonl=STESTR, s_subunit=OLD.replace(b"old", b"new")))
    assert (result.outcome, result.never_ran) == (Outcome.FAILURE, ("new.T.other",))
    assert result.reason == "1 test never ran, though the test program ended well: new.T.other"
    unittest = "a: commands[0]> python -m unittest\n..\n  a: OK (0.1 seconds)"
    assert build(tmp_path / "none", text=unittest).outcome is Outcome.FAILURE


def test_it_is_told_when_nobody_watched(tmp_path: Path) -> None:
    text = "a: commands[0]> pytest\n2 passed in 1s\na: commands[1]> stestr run\na: commands[2]> stestr last\n"
    told = "nobody watched {} in a: tests that were chosen and never ran would not be noticed"
    assert build(tmp_path / "none", text=text).notes == (told.format("pytest"), told.format("stestr"))
    with_list = BuildResult("j", Outcome.SUCCESS, 1, logs=str(tmp_path / "none"))
    assert explained(with_list, console(text), ["t.x"]).notes == (told.format("pytest"),)
    record = b'{"tool": "pytest", "env": "a"}\n{"end": 0}\n'
    assert build(folder(tmp_path, a_jsonl=record), text=text).notes == (told.format("stestr"),)


def test_red_stays_what_it_is_and_is_explained(tmp_path: Path) -> None:
    place = folder(tmp_path, a_jsonl=STESTR, s_subunit=NEW)
    result = build(place, Outcome.FAILURE, reason="tox ended with status 1")
    assert (result.outcome, result.reason, len(result.failures)) == (Outcome.FAILURE, "tox ended with status 1", 1)
    named = build(tmp_path / "none", Outcome.FAILURE, UNITTEST, "tox ended with status 1")
    assert (named.reason, len(named.failures), named.counted) == ("", 4, Counted(1, 1))
    bare = build(
        tmp_path / "none", Outcome.FAILURE, "a: commands[0]> x\nboom\na: exit 2 (1.0 seconds) /w> x pid=1", "t"
    )
    assert (bare.reason, bare.output) == ("x ended with status 2 in a", ("boom",))
    assert build(place, Outcome.NODE_FAILURE, reason="gone").reason == "gone"


def test_a_time_out_says_how_far_pytest_came(tmp_path: Path) -> None:
    text = "py3: commands[0]> pytest\nt/a.py .F.\nt/b.py ."
    quiet = build(tmp_path, Outcome.TIMED_OUT, text, "the job took longer than its 5 s")
    assert quiet.reason.endswith("its 5 s; pytest had told of 4 tests, 1 of them failed, the last in t/b.py")
    assert quiet.output == ("t/a.py .F.", "t/b.py .")
    loud = build(tmp_path, Outcome.TIMED_OUT, "py3: commands[0]> pytest -v\nt/a.py::x FAILED\nt/a.py::y ", "late")
    assert [(test.own_name, test.details) for test in loud.failures] == [
        ("x", ""),
        ("y", "the test run ends while this test runs"),
    ]
    assert (loud.reason, loud.output) == ("late", ())


def test_a_stream_that_could_not_be_fetched_makes_nothing_red(tmp_path: Path) -> None:
    done = b'{"began": "new.T.test"}\n{"done": "new.T.test"}\n{"done": "new.T.other"}\n'
    result = build(folder(tmp_path, a_jsonl=STESTR + done))
    assert (result.outcome, result.tests, result.never_ran) == (Outcome.SUCCESS, (), ())
    assert result.notes == ("s.subunit: it could not be fetched",)


def test_another_command_than_that_with_the_failing_tests(tmp_path: Path) -> None:
    text = UNITTEST + "py3: command failed but is marked ignore outcome so handling it as success\n"
    lint = "py3: commands[1]> flake8\nx.py:1: E1\npy3: exit 1 (1.0 seconds) /w> flake8 pid=1"
    result = build(tmp_path, Outcome.FAILURE, text + lint, "tox ended with status 1")
    assert (result.reason, result.output) == ("flake8 ended with status 1 in py3", ("x.py:1: E1",))
    assert len(result.failures) == 4


def test_the_same_tests_in_two_environments_count_once_and_the_failure_wins(tmp_path: Path) -> None:
    good = OLD.replace(b"old", b"new")
    found = results_in(folder(tmp_path, a_subunit=good, b_subunit=NEW, c_subunit=good))
    assert [(test.name, test.failed) for test in found.tests] == [("new.T.test", True)]


def test_what_the_console_tells_counts_where_nobody_watched(tmp_path: Path) -> None:
    text = "py3: commands[0]> pytest\n== short test summary info ==\nFAILED t/a.py::q - x\n1 failed, 2 passed in 1s"
    watched = build(folder(tmp_path, a_jsonl=PYTEST + b'{"end": 1}\n'), Outcome.FAILURE, text)
    assert (watched.count, [test.name for test in watched.failures]) == (2, ["t.a.y"])
    assert (build(tmp_path / "none", Outcome.FAILURE, text).count) == 3


def test_an_empty_console_says_nothing(tmp_path: Path) -> None:
    assert explained(BuildResult("j", Outcome.SUCCESS, 1, logs=str(tmp_path)), Console()).outcome is Outcome.SUCCESS
