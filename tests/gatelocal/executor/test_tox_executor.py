"""The executor of tox jobs, against a scripted node and against real programs in a folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.executor.readiness import Readiness
from gatelocal.executor.tox import ToxExecutor
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from tests.fakes.node import Answer, FolderNode, ScriptedNode

FACTS = "gatelocal-facts "
START = {"tox": ["tox"], "work": True, "constraints": True}
OUTPUT = "/home/node/zuul-output/app-py3"
JUNIT = b'<testsuite><testcase name="a" classname="m"><failure>boom</failure></testcase></testsuite>'


def told(facts: object) -> tuple[str, ...]:
    return (FACTS + json.dumps(facts),)


def scripted(
    job: Job,
    tmp_path: Path,
    answers: dict[str, Answer],
    said: list[str] | None = None,
    *,
    files: dict[str, bytes] | None = None,
    own: bool = False,
) -> BuildResult:
    """Run a job on a node that answers each stage as told, and well where nothing is told.

    :param own: the node is a machine of its own.
    """
    usual = {"start": Answer(0, told(START)), "collect": Answer(0, told({"items": [], "free": 10**12}))}

    def answer(argv: Sequence[str]) -> Answer:
        stage = argv[3] if argv[0] == "python3" else "environment" if "--notest" in argv else "tests"
        stage = "setup" if argv[0] == "tools/test-setup.sh" else stage
        return {**usual, **answers}.get(stage, Answer())

    node = ScriptedNode(answer, files=files or {})
    say = said.append if said is not None else (lambda line: None)
    return ToxExecutor(say, install_packages=own).run(
        job, "acme/app", node, {"acme/app": "/home/node/app"}, tmp_path / "logs"
    )


PY3 = Job("app-py3", variables={"tox_envlist": "py3"}, family="tox", defined_in=(".zuul.yaml:7",))


FULL = "OSError: [Errno 28] No space left on device"
NONE = "ERROR: Could not find a version that satisfies the requirement x (from versions: none)"


@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ({}, Outcome.SUCCESS, ""),
        ({"tests": Answer(1, ("py3: commands[0]> x",))}, Outcome.FAILURE, "tox -e py3 ended with status 1"),
        (
            {
                "environment": Answer(
                    254, ("ROOT: HandledError| provided environments not found in configuration file:",)
                )
            },
            Outcome.CONFIG_ERROR,
            "no tox environment py3 in /home/node/app; job app-py3 (.zuul.yaml:7)",
        ),
        ({"tests": Answer(error=TimeoutError("slow"))}, Outcome.TIMED_OUT, "run py3"),
        ({"environment": Answer(error=TimeoutError("slow"))}, Outcome.NODE_FAILURE, "make the environment py3"),
        ({"tests": Answer(error=InfrastructureError("the node is gone"))}, Outcome.NODE_FAILURE, "the node is gone"),
        ({"collect": Answer(error=InfrastructureError("gone"))}, Outcome.POST_FAILURE, "gone"),
        ({"start": Answer(127)}, Outcome.NODE_FAILURE, "python3"),
        ({"start": Answer(1, ("OSError: [Errno 28] No space left on device",))}, Outcome.DISK_FULL, "disk is full"),
        (
            {"environment": Answer(1, ("OSError: [Errno 28] No space left on device",))},
            Outcome.DISK_FULL,
            "disk is full",
        ),
        (
            {"tests": Answer(1, ("py3: commands[0]> x", "No space left on device")), "collect": Answer(1)},
            Outcome.DISK_FULL,
            "No space left",
        ),
        (
            {"environment": Answer(1, ("error: command 'gcc' failed: No such file or directory",))},
            Outcome.NODE_FAILURE,
            "no compiler",
        ),
        (
            {"environment": Answer(1, (NONE,)), "index": Answer(0, told({"index": False}))},
            Outcome.NODE_FAILURE,
            "the package index has not even pip",
        ),
        (
            {"environment": Answer(1, (NONE,)), "index": Answer(0, told({"index": True}))},
            Outcome.CONFIG_ERROR,
            "the environment py3 could not be built: ERROR: Could not find",
        ),
        ({"start": Answer(0, told({**START, "tox": None}))}, Outcome.NODE_FAILURE, "no tox"),
        ({"start": Answer(0, told({**START, "work": False}))}, Outcome.CONFIG_ERROR, "/home/node/app"),
        ({"start": Answer(0, told({**START, "constraints": False}))}, Outcome.CONFIG_ERROR, "tox_constraints_file"),
        ({"collect": Answer(1)}, Outcome.SUCCESS, ""),
    ],
)
def test_outcomes(tmp_path: Path, answers: dict[str, Answer], outcome: Outcome, reason: str) -> None:
    result = scripted(PY3, tmp_path, answers)
    assert result.outcome is outcome
    assert reason in result.reason
    assert (tmp_path / "logs/job-output.txt").read_text().rstrip().endswith("s)")


@pytest.mark.parametrize(
    ("answers", "command", "own"),
    [
        ({"tests": Answer(1)}, ("tox", "-e", "py3", "--skip-missing-interpreters=false"), False),
        ({}, ("tox", "-e", "py3", "--skip-missing-interpreters=false"), False),
        ({"environment": Answer(1)}, ("tox", "-e", "py3", "--skip-missing-interpreters=false", "--notest"), False),
        ({"packages": Answer(1)}, ("python3", "-c"), True),
    ],
)
def test_the_command_that_decided_is_told(
    tmp_path: Path, answers: dict[str, Answer], command: tuple[str, ...], own: bool
) -> None:
    job = replace(PY3, variables={**PY3.variables, "tox_environment": {"FLAVOUR": "vanilla"}})
    found = scripted(job, tmp_path, answers).invocation
    assert found is not None and (found.directory, found.own) == ("/home/node/app", own)
    assert found.argv[: len(command)] == command and (own or len(found.argv) == len(command))
    assert own or found.environment["FLAVOUR"] == "vanilla"


def test_output_is_live_stripped_and_recorded_with_times(tmp_path: Path) -> None:
    said: list[str] = []
    scripted(PY3, tmp_path, {"tests": Answer(0, ("\x1b]0;title\x07\x1b[31mred\x1b[0m\u202e",))}, said)
    assert "red" in said
    assert FACTS not in "".join(said)
    lines = (tmp_path / "logs/job-output.txt").read_text().splitlines()
    assert next(line for line in lines if line.endswith("| red"))[:2] == "20"
    assert (tmp_path / "logs/job-output.txt").stat().st_mode & 0o077 == 0


def test_a_failure_that_tests_explain_needs_no_other_reason(tmp_path: Path) -> None:
    node = ScriptedNode(
        lambda argv: (
            Answer(0, told({**START, "items": ["../secret"], "free": 1}))
            if argv[0] == "python3"
            else Answer(0 if "--notest" in argv else 1, ("py3: commands[0]> x",))
        ),
        files={
            f"{OUTPUT}/streams": b"",
            f"{OUTPUT}/../secret": b"x",
        },
    )
    (tmp_path / "logs/junit").mkdir(parents=True)
    (tmp_path / "logs/junit/a.xml").write_bytes(JUNIT)
    result = ToxExecutor(lambda line: None).run(PY3, "acme/app", node, {"acme/app": "/a"}, tmp_path / "logs")
    assert (result.outcome, result.reason, [test.name for test in result.failures]) == (Outcome.FAILURE, "", ["m.a"])
    assert sorted(p.name for p in (tmp_path / "logs").iterdir()) == [
        "job-output.txt",
        "junit",
        "streams",
    ]


def test_what_a_job_prints_is_never_taken_for_the_helpers_facts(tmp_path: Path) -> None:
    """Neither the words without a mark, nor those with an old one; and a node's nonsense is no mistake of ours."""
    forged = told({"items": ["tox"], "tox": ["evil"], "free": 0})[0]
    lines = (forged, "gatelocal-facts [1]", "gatelocal-facts 7", "gatelocal-facts " + "[" * 100_000)
    said: list[str] = []
    answers = {
        "environment": Answer(0, lines),
        "tests": Answer(0, (*lines, "gatelocal-facts 0123456789abcdef0123456789abcdef {}")),
        "collect": Answer(0, ("gatelocal-facts [1]", "gatelocal-facts 7", "gatelocal-facts " + "[" * 100_000)),
    }
    result = scripted(PY3, tmp_path, answers, said, files={f"{OUTPUT}/tox": JUNIT})
    assert (result.outcome, (tmp_path / "logs/tox").exists()) == (Outcome.SUCCESS, False)
    assert "[tests] tox -e py3 --skip-missing-interpreters=false" in said
    assert forged in said


def test_each_step_has_a_mark_of_its_own(tmp_path: Path) -> None:
    node = ScriptedNode(lambda argv: Answer(0, told({**START, "items": []})))
    ToxExecutor(lambda line: None).run(PY3, "acme/app", node, {"acme/app": "/a"}, tmp_path / "logs")
    marks = [argv[argv.index("--mark") + 1] for argv, *_ in node.ran if "--mark" in argv]
    assert len(marks) == len(set(marks)) == 3
    assert all(len(mark) == 32 for mark in marks)


class Losing(ScriptedNode):
    """A node from which some things cannot be fetched."""

    lost: tuple[str, ...] = ("tox",)

    def get(self, remote: str, local: Path) -> bool:
        if remote.rpartition("/")[2] in self.lost:
            raise InfrastructureError("too large")
        return super().get(remote, local)


@pytest.mark.parametrize(("lost", "outcome"), [(("streams", "tox"), Outcome.POST_FAILURE), (("tox",), Outcome.SUCCESS)])
def test_what_cannot_be_fetched_keeps_nothing_else_away(
    tmp_path: Path, lost: tuple[str, ...], outcome: Outcome
) -> None:
    answer = Answer(0, told({**START, "items": ["tox"]}))
    node = Losing(lambda argv: answer, files={f"{OUTPUT}/junit": b""})
    node.lost = lost
    result = ToxExecutor(lambda line: None).run(PY3, "acme/app", node, {"acme/app": "/a"}, tmp_path / "logs")
    assert result.outcome is outcome
    assert (tmp_path / "logs/junit").exists()
    assert "tox: too large" in (tmp_path / "logs/job-output.txt").read_text()


def test_a_machine_of_its_own_is_prepared_as_the_gate_does_it(tmp_path: Path) -> None:
    said: list[str] = []
    answers = {"start": Answer(0, told({**START, "setup": True}))}
    assert scripted(PY3, tmp_path / "a", answers, said, own=True).outcome is Outcome.SUCCESS
    stages = [line.partition("]")[0][1:] for line in said if line.startswith("[") and "status" not in line]
    assert stages == ["start", "packages", "setup", "sudo", "environment", "collect", "tests", "collect", "collect"]
    said.clear()
    assert scripted(PY3, tmp_path / "b", answers, said).outcome is Outcome.SUCCESS
    assert "tools/test-setup.sh is not run, because the node is no machine of its own" in said
    answers["setup"] = Answer(2, ("mysqladmin: connect to server failed",))
    failed = scripted(PY3, tmp_path / "c", answers, own=True)
    assert (failed.outcome, "test-setup.sh ended with status 2: mysqladmin" in failed.reason) == (
        Outcome.CONFIG_ERROR,
        True,
    )


@pytest.mark.parametrize(("stands", "without"), [(False, ()), (True, ("packages", "sudo", "environment"))])
def test_a_node_that_stands_ready_begins_with_the_tests(tmp_path: Path, stands: bool, without: tuple[str, ...]) -> None:
    asked: list[str] = []

    def answer(argv: Sequence[str]) -> Answer:
        stage = argv[3] if argv[0] == "python3" else "environment" if "--notest" in argv else "tests"
        asked.append(stage)
        facts = {"start": START, "collect": {"items": [], "free": 10**12}}.get(stage)
        return Answer(0, told(facts) if facts else ())

    readiness = Readiness(stands, lambda: asked.append("ready"))
    executor = ToxExecutor(lambda line: None, install_packages=True, readiness=readiness)
    executor.run(PY3, "acme/app", ScriptedNode(answer), {"acme/app": "/home/node/app"}, tmp_path / "logs")
    whole = ["start", "packages", "sudo", "environment", "ready", "tests"]
    assert [one for one in dict.fromkeys(asked) if one in whole] == [one for one in whole if one not in without]


def test_the_timeout_covers_all_steps(tmp_path: Path) -> None:
    limits: list[float | None] = []
    node = ScriptedNode(lambda argv: Answer(0, told({**START, "items": []})))
    job = Job("j", variables={"tox_envlist": "py3"}, family="tox", timeout=100)
    ToxExecutor(lambda line: None).run(job, "p", node, {"p": "/p"}, tmp_path)
    limits = [limit for *_, limit in node.ran][:-2]
    assert all(limit is not None and 0 < limit <= 100 for limit in limits)
    assert limits == sorted(limits, reverse=True)  # type: ignore[type-var]


TOX = """
[tox]
no_package = true
[testenv]
allowlist_externals = *
env_dir = {tox_root}/elsewhere
[testenv:unit]
commands = {python} -m pytest -q -p no:cacheprovider --junitxml=junit.xml
[testenv:lint]
commands = {python} -c "print('clean')"
"""


@pytest.mark.live
def test_real_tox_in_a_folder(tmp_path: Path) -> None:
    """One node, two builds in the same tree: each has its own results and not the other's."""
    app = tmp_path / "node/app"
    app.mkdir(parents=True)
    (app / "tox.ini").write_text(TOX.replace("{python}", sys.executable))
    (app / "test_a.py").write_text("def test_ok(): pass\ndef test_bad(): assert 'a' == 'b'\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    node = FolderNode(tmp_path / "node", {"PATH": path})
    results = []
    for env in ("unit", "lint"):
        job = Job(f"app-{env}", variables={"tox_envlist": env}, family="tox", timeout=60)
        executor = ToxExecutor(lambda line: None)
        results.append(executor.run(job, "acme/app", node, {"acme/app": str(app)}, tmp_path / f"logs-{env}"))
    unit, lint = results
    assert (unit.outcome, [test.name for test in unit.failures]) == (Outcome.FAILURE, ["test_a.test_bad"]), unit
    assert len(unit.tests) == 2
    assert list((tmp_path / "logs-unit/tox/unit").iterdir())
    assert (lint.outcome, lint.tests) == (Outcome.SUCCESS, ())
    assert "clean" in (tmp_path / "logs-lint/job-output.txt").read_text()
