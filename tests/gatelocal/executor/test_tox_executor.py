"""The executor of tox jobs, against a scripted node and against real programs in a folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
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


def scripted(job: Job, tmp_path: Path, answers: dict[str, Answer], said: list[str] | None = None) -> BuildResult:
    """Run a job on a node that answers each stage as told, and well where nothing is told."""
    usual = {"start": Answer(0, told(START)), "collect": Answer(0, told({"items": [], "free": 10**12}))}

    def answer(argv: Sequence[str]) -> Answer:
        stage = argv[3] if argv[0] == "python3" else "environment" if "--notest" in argv else "tests"
        return {**usual, **answers}.get(stage, Answer())

    node = ScriptedNode(answer)
    say = said.append if said is not None else (lambda line: None)
    return ToxExecutor(say).run(job, "acme/app", node, {"acme/app": "/home/node/app"}, tmp_path / "logs")


PY3 = Job("app-py3", variables={"tox_envlist": "py3"}, family="tox", defined_in=(".zuul.yaml:7",))


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
        ({"tests": Answer(error=InfrastructureError("the node is gone"))}, Outcome.NODE_FAILURE, "the node is gone"),
        ({"collect": Answer(error=InfrastructureError("gone"))}, Outcome.POST_FAILURE, "gone"),
        ({"start": Answer(127)}, Outcome.NODE_FAILURE, "python3"),
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
