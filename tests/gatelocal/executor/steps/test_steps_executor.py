"""Jobs that are lists of commands, with real programs in a folder and on nodes that answer by a script."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.executor.readiness import Readiness
from gatelocal.executor.steps.executor import StepsExecutor
from gatelocal.launcher.nodeset import Gathered
from gatelocal.model.job import Job
from gatelocal.model.plan import Nodeset, NodeWanted
from gatelocal.model.result import BuildResult, Outcome
from tests.fakes.node import Answer, FolderNode, ScriptedNode

BIN = str(Path(sys.executable).parent)
programs = pytest.mark.live  # one or several test programs are started
PATH = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": "/nonexistent"}
TESTS = (
    "import pytest\n"
    "def test_good(): pass\n"
    "def test_bad(): assert 1 == 2\n"
    "@pytest.mark.skip(reason='not here')\n"
    "def test_skip(): pass\n"
)
XML = '<testsuite><testcase name="a" classname="m"><failure>boom</failure></testcase></testsuite>'


def job(*steps: object, timeout: int | None = None, **more: object) -> Job:
    told = {"steps": [{"command": one} if isinstance(one, str) else one for one in steps], **more}
    variables = {"gatelocal_steps": told}
    return Job("unit", variables=variables, family="steps", timeout=timeout, defined_in=("gatelocal.yaml:2",))


def run(tmp_path: Path, job: Job, files: Mapping[str, str] | None = None, said: list[str] | None = None) -> BuildResult:
    """Run the job in a folder with these files."""
    work = tmp_path / "node" / "src" / "app"
    work.mkdir(parents=True)
    for name, text in (files or {}).items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    node = FolderNode(tmp_path / "node", PATH)
    say = said.append if said is not None else (lambda line: None)
    return StepsExecutor(say).run(job, "acme/app", node, {"acme/app": str(work)}, tmp_path / "logs")


def test_steps_run_in_order_in_the_projects_folder_with_their_environment(tmp_path: Path) -> None:
    said: list[str] = []
    steps = job(
        "pwd; echo one > here",
        {"command": 'cat ../here; echo "$A-$B"', "directory": "sub", "environment": {"B": "own"}},
        environment={"A": "common", "B": "other"},
    )
    result = run(tmp_path, steps, {"sub/x": ""}, said)
    assert (result.outcome, result.reason, result.job) == (Outcome.SUCCESS, "", "unit")
    assert [line for line in said if line in (f"{tmp_path}/node/src/app", "one", "common-own")] == [
        f"{tmp_path}/node/src/app",
        "one",
        "common-own",
    ]
    assert "> [step 1] pwd; echo one > here" in (tmp_path / "logs/job-output.txt").read_text()


def test_the_first_step_that_fails_is_named_and_no_other_runs(tmp_path: Path) -> None:
    result = run(tmp_path, job("true", {"command": "echo last words\nfalse\ntrue", "name": "lint"}, "touch ran"))
    assert (result.outcome, result.reason) == (Outcome.FAILURE, "step 2 (lint) ended with status 1")
    assert result.output == ("last words",)
    assert result.invocation is not None and result.invocation.argv[-1] == "echo last words\nfalse\ntrue"
    assert not (tmp_path / "node/src/app/ran").exists()


def test_a_variable_that_is_not_set_ends_the_step(tmp_path: Path) -> None:
    result = run(tmp_path, job('rm -rf "./$NOT_SET_ANYWHERE/x"'))
    assert result.outcome is Outcome.FAILURE


def test_setup_that_fails_is_no_failure_of_the_change(tmp_path: Path) -> None:
    result = run(tmp_path, job("true", setup=[{"command": "echo bad spec; exit 3"}]))
    assert result.outcome is Outcome.CONFIG_ERROR
    assert result.reason == "the environment could not be made: setup step 1 ended with status 3: bad spec"


def test_pytest_is_watched_without_a_word_from_the_project(tmp_path: Path) -> None:
    result = run(tmp_path, job("python -m pytest -p no:cacheprovider -q"), {"test_it.py": TESTS})
    assert (result.outcome, result.reason) == (Outcome.FAILURE, "")
    assert sorted((test.name, test.status.value) for test in result.tests) == [
        ("test_it.test_bad", "fail"),
        ("test_it.test_good", "success"),
        ("test_it.test_skip", "skip"),
    ]
    assert "assert 1 == 2" in result.failures[0].details
    assert result.notes == ()


@programs
def test_a_pipe_that_hides_a_failure_does_not_make_it_a_pass(tmp_path: Path) -> None:
    result = run(tmp_path, job("python -m pytest -p no:cacheprovider -q | cat"), {"test_it.py": TESTS})
    assert result.outcome is Outcome.FAILURE
    assert result.reason == "step 1 ended with status 0, though 1 test (test_it.test_bad) failed"


@pytest.mark.parametrize(
    ("command", "files", "why"),
    [
        (
            "python -m pytest -p no:cacheprovider -q | cat",
            {"conftest.py": "import nothere\n", "test_it.py": "def test_a(): pass\n"},
            "nothing tells that a test of it ran",
        ),
        (
            "python -m pytest --bogus | cat",
            {"test_it.py": "def test_a(): pass\n"},
            "nothing tells that a test of it ran",
        ),
        ("HOME=$PWD stestr run nosuch | cat", {}, "nothing tells that a test of it ran"),
        (
            "python -m pytest -p no:cacheprovider -q || true",
            {
                "conftest.py": "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
                "def pytest_runtestloop(session): session.testsfailed = 1\n",
                "test_it.py": "def test_a(): pass\n",
            },
            "pytest ended with status",
        ),
    ],
)
@programs
def test_a_test_program_whose_status_is_lost_has_to_be_seen_to_run(
    tmp_path: Path, command: str, files: Mapping[str, str], why: str
) -> None:
    result = run(tmp_path, job(command), files)
    assert result.outcome is Outcome.FAILURE, result
    assert why in result.reason


@pytest.mark.parametrize(
    "command",
    [
        "python -m pytest -p no:cacheprovider -q | cat",
        "python -m pytest -p no:cacheprovider -q > log",
        "python -m pytest --collect-only -q | cat",
        "python -m pytest --version | cat",
        "echo pytest | cat",
    ],
)
@programs
def test_a_pipe_alone_makes_no_failure(tmp_path: Path, command: str) -> None:
    result = run(tmp_path, job(command), {"test_it.py": "def test_a(): pass\n"})
    assert result.outcome is Outcome.SUCCESS, result


@programs
def test_pytest_that_is_ended_by_a_test_has_not_passed(tmp_path: Path) -> None:
    tests = "import os\ndef test_a(): os._exit(0)\ndef test_b(): pass\n"
    result = run(tmp_path, job("python -m pytest -p no:cacheprovider -q"), {"test_it.py": tests})
    assert result.outcome is Outcome.FAILURE
    assert result.never_ran == ("test_it.test_b",)


def test_unittest_that_is_ended_by_a_test_has_not_passed(tmp_path: Path) -> None:
    tests = "import os, unittest\nclass T(unittest.TestCase):\n  def test_a(self): os._exit(0)\n"
    step = {"command": f"{sys.executable} -m unittest test_it", "suite": "unittest"}
    result = run(tmp_path, job(step), {"test_it.py": tests})
    assert (result.outcome, "ended without a word" in result.reason) == (Outcome.FAILURE, True)


@programs
def test_two_runs_in_one_step_are_both_known(tmp_path: Path) -> None:
    steps = job("for one in test_a.py test_b.py; do python -m pytest -p no:cacheprovider -q $one; done")
    result = run(tmp_path, steps, {"test_a.py": "def test_x(): pass\n", "test_b.py": "def test_x(): pass\n"})
    assert result.outcome is Outcome.SUCCESS
    assert sorted(test.name for test in result.tests) == ["test_a.test_x", "test_b.test_x"]


def test_unittest_is_counted_and_its_failures_are_named(tmp_path: Path) -> None:
    tests = (
        "import unittest\nclass T(unittest.TestCase):\n  def test_a(self): pass\n  def test_b(self): self.fail('no')\n"
    )
    result = run(tmp_path, job("python -m unittest"), {"test_it.py": tests})
    assert result.outcome is Outcome.FAILURE
    assert ([test.name for test in result.failures], result.count) == (["test_it.T.test_b"], 2)


@pytest.mark.parametrize(
    ("command", "results", "outcome", "words"),
    [
        (f"mkdir -p out; echo '{XML}' > out/a.xml; exit 1", "out/*.xml", Outcome.FAILURE, ""),
        (f"mkdir -p out; echo '{XML}' > out/a.xml", "out/*.xml", Outcome.FAILURE, "though 1 test (m.a) failed"),
        ("printf 'TAP version 13\\n1..2\\nok 1\\n' > r.tap", "r.tap", Outcome.FAILURE, "1 of 2 planned tests"),
        ("printf '1..1\\nok 1\\n' > r.tap", "r.tap", Outcome.SUCCESS, ""),
        ("printf '<testsuite/>' > r.xml", "r.xml", Outcome.FAILURE, "no test ran in it"),
        ("printf '<testsuite' > r.xml", "r.xml", Outcome.CONFIG_ERROR, "nothing tells of a test"),
        ("head -c 1000 /dev/urandom > r.bin", "r.bin", Outcome.CONFIG_ERROR, "nothing tells of a test"),
        ("ln -s /etc/passwd r.xml", "r.xml", Outcome.CONFIG_ERROR, "nothing tells of a test"),
        ("true", "r.xml", Outcome.CONFIG_ERROR, "nothing tells of a test: does it run its results?"),
        ("true", "old.xml", Outcome.CONFIG_ERROR, "nothing tells of a test"),
    ],
)
def test_files_of_results(tmp_path: Path, command: str, results: str, outcome: Outcome, words: str) -> None:
    old = '<testsuite><testcase name="old"/></testsuite>'
    result = run(tmp_path, job({"command": command, "results": [results]}), {"old.xml": old})
    assert result.outcome is outcome, result
    assert words in result.reason


@pytest.mark.parametrize(
    ("suite", "lines", "count", "outcome"),
    [
        ("tap", "1..1\nok 1\n", 1, Outcome.SUCCESS),
        ("tap", "1..2\nok 1\n", 1, Outcome.FAILURE),
        ("tap", "fine\n", 0, Outcome.CONFIG_ERROR),
        (
            "cargo",
            "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0\n",
            1,
            Outcome.SUCCESS,
        ),
        ("go", '{"Action":"pass","Package":"p","Test":"T"}\n{"Action":"pass","Package":"p"}\n', 1, Outcome.SUCCESS),
        ("pytest", "===== 3 passed in 0.01s =====\n", 3, Outcome.SUCCESS),
        ("unittest", "-" * 70 + "\nRan 2 tests in 0.000s\n\nOK\n", 2, Outcome.SUCCESS),
    ],
)
def test_suites_by_their_output(tmp_path: Path, suite: str, lines: str, count: int, outcome: Outcome) -> None:
    result = run(tmp_path, job({"command": "cat lines", "suite": suite}), {"lines": lines})
    assert (result.count, result.outcome) == (count, outcome)


def test_artifacts_are_kept_also_of_what_fails_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    make = "mkdir -p cov/sub; echo a > cov/sub/a; echo b > b.log; ln -s /etc/passwd c.log; ln -s /etc out; false"
    steps = job(make, artifacts=["cov", "*.log", "out/passwd", "none*"])
    result = run(tmp_path, steps)
    kept = tmp_path / "logs" / "artifacts"
    assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if not path.is_dir()) == [
        "b.log",
        "cov/sub/a",
    ]
    assert result.outcome is Outcome.FAILURE
    assert set(result.notes) == {
        "artifacts: there is no out/passwd",
        "artifacts: there is no none*",
        "artifacts: 1 left out: no plain files, too large or too many",
    }


SOON: int = 0.3  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("steps", "outcome", "reason"),
    [
        (job("sleep 60", timeout=SOON), Outcome.TIMED_OUT, "the job took longer than its 0 s; it was at step 1"),
        (
            job("true", setup=[{"command": "sleep 60"}], timeout=SOON),
            Outcome.NODE_FAILURE,
            "the job took longer than its 0 s; it was at setup step 1",
        ),
    ],
)
def test_a_step_that_hangs_is_stopped(tmp_path: Path, steps: Job, outcome: Outcome, reason: str) -> None:
    result = run(tmp_path, steps)
    assert (result.outcome, result.reason) == (outcome, reason)


def test_what_is_no_list_of_steps_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    for told in (None, [], {"steps": []}, {"steps": "make"}, {"steps": [{"command": 1}]}, {"steps": [{"comand": "x"}]}):
        bad = Job("unit", variables={"gatelocal_steps": told}, family="steps")
        work = {"acme/app": str(tmp_path)}
        result = StepsExecutor(lambda line: None).run(bad, "acme/app", FolderNode(tmp_path), work, tmp_path / "logs")
        assert result.outcome is Outcome.CONFIG_ERROR, told


def test_a_folder_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    result = run(tmp_path, job({"command": "true", "directory": "none"}))
    assert (result.outcome, result.reason) == (
        Outcome.CONFIG_ERROR,
        "step 1: there is no folder none in the project",
    )


def scripted(tmp_path: Path, steps: Job, answers: Mapping[str, Answer]) -> BuildResult:
    """A node on which our own program (by its command) and the steps are answered as told, else well."""

    def answer(argv: Sequence[str]) -> Answer:
        return answers.get(argv[5] if argv[0] == "python3" else argv[0], Answer(0, ("gatelocal-facts {}",)))

    node = ScriptedNode(answer)
    node.run = _marked(node)  # type: ignore[method-assign]
    return StepsExecutor(lambda line: None).run(steps, "a/b", node, {"a/b": "/home/node/b"}, tmp_path / "logs")


def _marked(node: ScriptedNode):
    """The node's own `run`, which puts the mark that our program was given before its facts."""
    plain = node.run

    def run(argv: Sequence[str], **named: object) -> int:
        mark = next((word.removeprefix("--mark=") for word in argv if word.startswith("--mark=")), "")
        told = named.pop("on_line", None)

        def line(text: str) -> None:
            if told is not None:
                told(text.replace("gatelocal-facts ", f"gatelocal-facts {mark} ") if mark else text)

        return plain(argv, on_line=line, **named)  # type: ignore[arg-type]

    return run


GONE = Answer(error=InfrastructureError("the node is gone"))
SUITE = {"command": "pytest", "suite": "pytest"}


@pytest.mark.parametrize(
    ("steps", "answers", "outcome"),
    [
        (job("x"), {"sh": GONE}, Outcome.NODE_FAILURE),
        (job(SUITE), {"before": GONE}, Outcome.NODE_FAILURE),
        (job(SUITE), {"before": Answer(127)}, Outcome.NODE_FAILURE),
        (job("sudo pytest"), {"before": Answer(127)}, Outcome.SUCCESS),
        (job(SUITE), {"after": GONE}, Outcome.POST_FAILURE),
        (job(SUITE), {"after": Answer(1)}, Outcome.POST_FAILURE),
        (job(SUITE), {"after": Answer(error=TimeoutError())}, Outcome.POST_FAILURE),
        (job(SUITE), {"after": GONE, "sh": Answer(1)}, Outcome.FAILURE),
        (job("x", artifacts=["a"]), {"keep": GONE}, Outcome.POST_FAILURE),
        (job("x", artifacts=["a"]), {"keep": GONE, "sh": Answer(1)}, Outcome.FAILURE),
        (job("x"), {"sh": Answer(1, ("No space left on device",)), "free": GONE}, Outcome.DISK_FULL),
        (
            job("x"),
            {
                "sh": Answer(1, ("No space left on device",)),
                "free": Answer(0, ('gatelocal-facts {"free": 1000000000000}',)),
            },
            Outcome.FAILURE,
        ),
    ],
)
def test_the_machinery_is_never_the_changes_fault(
    tmp_path: Path, steps: Job, answers: Mapping[str, Answer], outcome: Outcome
) -> None:
    assert scripted(tmp_path, steps, answers).outcome is outcome


def test_a_step_has_a_limit_of_its_own_within_the_jobs(tmp_path: Path) -> None:
    slow = {"sh": Answer(0, ("waiting",), TimeoutError())}
    result = scripted(tmp_path, job({"command": "x", "timeout": 7}, timeout=60), slow)
    assert (result.outcome, result.reason) == (Outcome.TIMED_OUT, "it took longer than 7 s: step 1")
    assert result.output == ("waiting",)


@programs
def test_only_some_tests_run_where_some_are_wanted_and_other_steps_are_not_kept_from_going_on(tmp_path: Path) -> None:
    pytest_of = "python -m pytest -p no:cacheprovider -q "
    steps = job(pytest_of + "test_a.py", pytest_of + "test_b.py", "touch ran")
    steps = replace(steps, variables={**steps.variables, "gatelocal_only": ["test_b.test_y"]})
    two = "def test_x(): assert 0\ndef test_y(): pass\n"
    result = run(tmp_path, steps, {"test_a.py": two, "test_b.py": two})
    assert (result.outcome, result.partial) == (Outcome.SUCCESS, True)
    assert [test.name for test in result.tests] == ["test_b.test_y"]
    assert (tmp_path / "node/src/app/ran").exists()


@programs
def test_a_test_that_is_gone_is_no_pass(tmp_path: Path) -> None:
    steps = job("python -m pytest -p no:cacheprovider -q")
    steps = replace(steps, variables={**steps.variables, "gatelocal_only": ["test_b.test_y"]})
    result = run(tmp_path, steps, {"test_a.py": "def test_x(): pass\n"})
    assert (result.outcome, result.reason) == (Outcome.CONFIG_ERROR, "none of the tests that were asked for is there")


@programs
def test_a_node_that_stands_ready_begins_with_the_tests_and_is_told_of_once(tmp_path: Path) -> None:
    setup = {"command": "echo x >>setup"}
    steps = job("mkdir out", "python -m pytest -p no:cacheprovider -q", "touch after", setup=[setup])
    first = run(tmp_path, steps, {"test_it.py": "def test_x():\n    assert open('n', 'a').write('x')\n"})
    assert first.outcome is Outcome.SUCCESS
    work, reached = tmp_path / "node/src/app", list[str]()

    def again(at: int, *, stands: bool) -> BuildResult:
        readiness = Readiness(stands, lambda: reached.append((work / "n").read_text()))
        node = FolderNode(tmp_path / "node", PATH)
        executor = StepsExecutor(lambda line: None, readiness=readiness)
        return executor.run(steps, "acme/app", node, {"acme/app": str(work)}, tmp_path / f"again{at}")

    assert [again(at, stands=True).outcome for at in (1, 2)] == [Outcome.SUCCESS] * 2
    assert ((work / "setup").read_text(), (work / "n").read_text()) == ("x\n", "xxx")
    assert reached == ["x", "xx"], "right before the tests"
    assert again(3, stands=False).reason == "step 1 ended with status 1", "mkdir out, a second time"


@programs
def test_results_of_one_try_are_none_of_the_next(tmp_path: Path) -> None:
    steps = job("python -m pytest -p no:cacheprovider -q")
    text = "import pathlib\ndef test_x():\n    once = pathlib.Path('once')\n    assert once.exists() or once.touch()\n"
    first = run(tmp_path, steps, {"test_it.py": text})
    node, work = FolderNode(tmp_path / "node", PATH), str(tmp_path / "node/src/app")
    executor = StepsExecutor(lambda line: None, readiness=Readiness(stands=True))
    second = executor.run(steps, "acme/app", node, {"acme/app": work}, tmp_path / "second")
    assert [one.outcome for one in (first, second)] == [Outcome.FAILURE, Outcome.SUCCESS]
    assert [test.failed for test in second.tests] == [False]


def test_steps_run_on_the_node_that_they_name_and_artifacts_come_from_all(tmp_path: Path) -> None:
    nodes = {name: FolderNode(tmp_path / name, PATH) for name in ("web", "db")}
    for name in nodes:
        (tmp_path / name / "src" / "app").mkdir(parents=True)
    wanted = Nodeset(nodes=tuple(NodeWanted((name,), "") for name in nodes))
    steps = job(
        "echo web > out", {"command": "echo db > out; printf '1..1\\nok 1 - there\\n'", "node": "db", "suite": "tap"}
    )
    told = {**steps.variables["gatelocal_steps"], "artifacts": ["out"]}  # type: ignore[dict-item]
    steps = replace(steps, nodesets=(wanted,), variables={"gatelocal_steps": told})
    gathered = Gathered(wanted, tuple(nodes.values()), ("", ""))
    result = StepsExecutor(lambda line: None, gathered).run(
        steps, "a/b", nodes["web"], {"a/b": str(tmp_path / "web/src/app")}, tmp_path / "logs"
    )
    assert (result.outcome, [test.name for test in result.tests]) == (Outcome.SUCCESS, ["there"])
    assert (tmp_path / "logs/artifacts/out").read_text() == "web\n"
    assert (tmp_path / "logs/nodes/db/artifacts/out").read_text() == "db\n"
    assert (tmp_path / "db/src/app/out").read_text() == "db\n"


DIES = "import os, unittest\nclass T(unittest.TestCase):\n  def test_a(self): os._exit(0)\n"


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("python -m unittest", Outcome.FAILURE),
        ("python -m unittest test_it && true", Outcome.FAILURE),
        ("python -m unittest > log 2>&1", Outcome.SUCCESS),
        ("echo unittest; true", Outcome.SUCCESS),
    ],
)
def test_unittest_that_ends_without_a_word_has_not_passed_where_its_words_would_be_heard(
    tmp_path: Path, command: str, outcome: Outcome
) -> None:
    assert run(tmp_path, job(command), {"test_it.py": DIES}).outcome is outcome


def test_what_only_names_a_test_program_is_no_run_of_it(tmp_path: Path) -> None:
    result = run(tmp_path, job("which pytest; true", setup=[{"command": "echo pip install pytest"}]))
    assert (result.outcome, result.notes) == (Outcome.SUCCESS, ())
