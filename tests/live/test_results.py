"""What real test programs in a real tox environment leave behind, when they pass, fail, die, hang or find nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gatelocal.executor.tox import ToxExecutor
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from tests.fakes.node import FolderNode

pytestmark = pytest.mark.live

FILES = {
    "tox.ini": """
[tox]
no_package = true
skip_missing_interpreters = true
[testenv]
deps =
    stestr
    pytest
    pytest-xdist
allowlist_externals = bash
commands = {posargs}
[testenv:py27]
commands = python -c pass
""",
    ".stestr.conf": "[DEFAULT]\ntest_path=./tests\ntop_dir=.\n",
    "tests/__init__.py": "",
    "tests/test_unit.py": """
import os, signal, time, unittest
HOW = os.environ.get("HOW", "")
class A(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertNotIn("bad", HOW)
    @unittest.skip("no moon")
    def test_skipped(self): pass
class B(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if "killed" in HOW: os.kill(os.getpid(), signal.SIGKILL)
        if "exits" in HOW: os._exit(0)
    def test_1(self): pass
    def test_2(self):
        if "hangs" in HOW: time.sleep(600)
class C(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("not here")
    def test_1(self): pass
    def test_2(self): pass
class D(unittest.TestCase):
    def test_1(self): pass
""",
    "parameters.py": """
import os, pytest
@pytest.mark.parametrize("value", ["1.5", "http://a.example/b.html"])
def test_value(value): assert value != "1.5"
def test_that_exits(): os._exit(0)
def test_last(): pass
""",
}
STESTR, SERIAL, UNITTEST = "stestr run", "stestr run --serial", "python -m unittest tests.test_unit"
PYTEST = "pytest -q -p no:cacheprovider tests/test_unit.py"
ALL = {f"tests.test_unit.{name}" for name in ("A.test_good", "A.test_bad", "A.test_skipped", "D.test_1")}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> FolderNode:
    folder = tmp_path_factory.mktemp("results")
    for name, text in FILES.items():
        (folder / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "app" / name).write_text(text)
    found = FolderNode(folder, {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})
    run(found, folder / "first", PYTEST)  # makes the environment, however long that takes: limits are of tests alone
    return found


def run(node: FolderNode, logs: Path, command: str, how: str = "", **more: object) -> BuildResult:
    variables = {"tox_envlist": "py3", "tox_extra_args": f"-x testenv.set_env=HOW={how} -- {command}", **more}
    job = Job("app", variables=variables, family="tox", timeout=900 if "hangs" not in how else 25)
    return ToxExecutor(lambda line: None).run(job, "acme/app", node, {"acme/app": f"{node.home}/app"}, logs)


@pytest.mark.parametrize("command", [STESTR, SERIAL, "bash -c 'stestr run tests'", PYTEST, f"{PYTEST} -n2"])
def test_green(node: FolderNode, tmp_path: Path, command: str) -> None:
    result = run(node, tmp_path / "logs", command)
    assert (result.outcome, result.reason, result.never_ran, result.notes) == (Outcome.SUCCESS, "", (), ())
    assert {test.name for test in result.tests} > ALL
    classes = 1 if "serial" in command else 2  # each of two workers may skip the class, or pytest each of its tests
    assert (result.skipped - 1) in (1, classes)
    assert result.count - result.skipped == 5


def test_green_unittest_is_counted(node: FolderNode, tmp_path: Path) -> None:
    result = run(node, tmp_path / "logs", UNITTEST)
    assert (result.outcome, result.tests) == (Outcome.SUCCESS, ())
    assert (result.count, result.skipped) == ((6, 2) if sys.version_info < (3, 12, 1) else (result.count, 2))


@pytest.mark.parametrize(
    "command", [STESTR, SERIAL, PYTEST, f"{PYTEST} -n2", UNITTEST, f"{PYTEST} -p no:gatelocal_witness"]
)
def test_what_fails_is_named_alike(node: FolderNode, tmp_path: Path, command: str) -> None:
    result = run(node, tmp_path / "logs", command, "bad")
    assert (result.outcome, result.reason) == (Outcome.FAILURE, "")
    (failed,) = result.failures
    assert (failed.classname, failed.own_name) == ("tests.test_unit.A", "test_bad")
    assert "unexpectedly found in 'bad'" in failed.details
    assert result.skipped >= 2


@pytest.mark.parametrize("how", ["killed", "exits"])
@pytest.mark.parametrize("command", [STESTR, SERIAL, "bash -c 'cd tests/.. && python -m stestr run --serial unit'"])
def test_a_worker_that_dies_between_two_tests_is_no_pass(
    node: FolderNode, tmp_path: Path, command: str, how: str
) -> None:
    result = run(node, tmp_path / "logs", command, how)
    assert result.outcome is Outcome.FAILURE, result
    assert "never ran" in result.reason
    assert {"tests.test_unit.B.test_1", "tests.test_unit.B.test_2"} <= set(result.never_ran)


def test_a_pytest_or_unittest_that_leaves_is_no_pass(node: FolderNode, tmp_path: Path) -> None:
    result = run(node, tmp_path / "a", "pytest -q -p no:cacheprovider parameters.py")
    assert (result.outcome, result.never_ran) == (Outcome.FAILURE, ("parameters.test_last",))
    assert [(test.classname, test.own_name) for test in result.failures] == [
        ("parameters", "test_value[1.5]"),
        ("parameters", "test_that_exits"),
    ]
    result = run(node, tmp_path / "b", UNITTEST, "exits")
    assert (result.outcome, "without a word" in result.reason) == (Outcome.FAILURE, True)


@pytest.mark.parametrize("command", [SERIAL, f"{PYTEST} -p no:randomly"])
def test_a_time_out_names_what_failed_before_and_what_hangs(node: FolderNode, tmp_path: Path, command: str) -> None:
    result = run(node, tmp_path / "logs", command, "bad-hangs")
    assert result.outcome is Outcome.TIMED_OUT
    assert {test.name for test in result.failures} == {"tests.test_unit.A.test_bad", "tests.test_unit.B.test_2"}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("stestr run nothing", "the regex matches no test"),
        ("stestr run unit.C", "no test was successful"),
        ("pytest -q nothing.py", "file or directory not found: nothing.py"),
        ("pytest -q -k nothing tests/test_unit.py", "pytest ran no test"),
        ("""python -c 'import sys; sys.exit("no way")'""", "ended with status 1 in py3"),
    ],
)
def test_the_reason_when_no_test_failed(node: FolderNode, tmp_path: Path, command: str, reason: str) -> None:
    before = run(node, tmp_path / "before", SERIAL, "bad")  # an older run, which must not be taken for this one
    assert before.failures
    result = run(node, tmp_path / "logs", command)
    assert (result.outcome, result.failures) == (Outcome.FAILURE, ())
    assert reason in result.reason
    assert result.output
    assert Path(result.job_output).is_file()


def test_modules_that_cannot_be_imported(node: FolderNode, tmp_path: Path) -> None:
    broken = Path(node.home) / "app/tests/test_broken.py"
    broken.write_text("import nowhere_to_be_found\n")
    try:
        result = run(node, tmp_path / "logs", STESTR)
    finally:
        broken.unlink()
    assert result.reason.startswith("import errors: tests.test_broken: ModuleNotFoundError")
    assert result.tests == ()


def test_an_interpreter_that_is_missing_is_no_pass(node: FolderNode, tmp_path: Path) -> None:
    result = run(node, tmp_path / "logs", "", tox_envlist="py27", tox_extra_args="")
    assert (result.outcome, "no Python for py27" in result.reason) == (Outcome.NODE_FAILURE, True)


@pytest.mark.parametrize(
    "more",
    [
        {"tox_extra_args": "-vr"},
        {"tox_extra_args": "--recreate"},
        {"tox_environment": {"TOX_RECREATE": "1"}},
        {"tox_extra_args": "--workdir elsewhere"},
        {"tox_environment": {"TOX_WORK_DIR": "elsewhere"}},
        {"tox_extra_args": "-x tox.work_dir=elsewhere"},
        {"tox_extra_args": "-x testenv.env_dir={tox_root}/own"},
        {"tox_extra_args": "-c other.ini"},
        {"tox_config_file": "other.ini"},
    ],
    ids=str,
)
def test_the_witness_is_there_whatever_the_job_says_to_tox(
    node: FolderNode, tmp_path: Path, more: dict[str, object]
) -> None:
    app = Path(node.home) / "app"
    (app / "other.ini").write_text(f"{FILES['tox.ini']}\n[testenv:py3]\nenv_dir = {app}/other\n")
    extra = f"{more.get('tox_extra_args', '')} -- pytest -q -p no:cacheprovider parameters.py"
    result = run(node, tmp_path / "logs", "", **{**more, "tox_extra_args": extra})
    assert result.outcome is Outcome.FAILURE
    assert (result.never_ran, result.notes) == (("parameters.test_last",), ())


def test_what_takes_the_witness_away_is_told(node: FolderNode, tmp_path: Path) -> None:
    extra = "-x testenv.recreate=true -- pytest -q tests/test_unit.py"
    result = run(node, tmp_path / "logs", "", tox_extra_args=extra)
    assert result.outcome is Outcome.SUCCESS
    assert result.notes == ("nobody watched pytest in py3: tests that were chosen and never ran would not be noticed",)
