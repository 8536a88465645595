"""A tox job with everything that the role knows, on a folder of this machine, with real packages from the index."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gatelocal.executor.tox import ToxExecutor
from gatelocal.model.job import Job
from gatelocal.model.result import Outcome, TestStatus
from git_review.git.runner import Runner
from tests.fakes.node import FolderNode

pytestmark = pytest.mark.live

FILES = {
    "app/setup.cfg": "[metadata]\nname = app\n",
    "app/.stestr.conf": "[DEFAULT]\ntest_path=./app\n",
    "app/tox.ini": """
[tox]
no_package = true
[testenv]
deps =
    -c{env:TOX_CONSTRAINTS_FILE}
    stestr
    colorama
commands = stestr run
[testenv:missing]
deps = gatelocal-no-such-package
""",
    "app/app/__init__.py": "",
    "app/app/test_app.py": """
import unittest
import from_source

class Tests(unittest.TestCase):
    def test_good(self):
        self.assertEqual(42, from_source.ANSWER)

    def test_bad(self):
        self.assertEqual("what", "was")
""",
    # A tree that calls itself colorama, to be seen by the tests in place of the released package.
    "lib/pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "colorama"
version = "99.0"
[tool.setuptools]
packages = ["from_source"]
""",
    "lib/from_source/__init__.py": "ANSWER = 42\n",
    "constraints/upper-constraints.txt": "colorama===0.4.6\nstestr===4.1.0\n",
}


@pytest.fixture
def node(tmp_path: Path) -> FolderNode:
    for name, text in FILES.items():
        path = tmp_path / "trees" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    Runner(tmp_path / "trees/app", alone=True).run("init", "-q", ".")
    return FolderNode(tmp_path, {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})


def run(node: FolderNode, logs: Path, said: list[str], **variables: object):
    job = Job(
        "app-py3",
        variables={
            "tox_constraints_file": "{{ ansible_user_dir }}/src/h/acme/constraints/upper-constraints.txt",
            **variables,
        },
        required_projects=("acme/lib", "acme/constraints"),
        timeout=300,
        family="tox",
        defined_in=(".zuul.yaml:1",),
    )
    sources = {f"acme/{name}": f"{node.home}/trees/{name}" for name in ("app", "lib", "constraints")}
    return ToxExecutor(said.append).run(job, "acme/app", node, sources, logs)


def test_constraints_siblings_and_a_failing_test_by_name(node: FolderNode, tmp_path: Path) -> None:
    said: list[str] = []
    result = run(node, tmp_path / "logs", said, tox_envlist="py3")
    assert result.outcome is Outcome.FAILURE, "\n".join(said)
    assert {test.name: test.status for test in result.tests} == {
        "app.test_app.Tests.test_good": TestStatus.SUCCESS,
        "app.test_app.Tests.test_bad": TestStatus.FAILURE,
    }
    assert "'what' != 'was'" in result.failures[0].details
    assert any("colorama-99.0" in line for line in said)
    assert [file for file in (tmp_path / "logs/streams").glob("*.subunit") if file.stat().st_size]


def test_whose_fault_it_is_when_nothing_could_be_tested(node: FolderNode, tmp_path: Path) -> None:
    nowhere = run(node, tmp_path / "a", [], tox_envlist="nowhere")
    assert (nowhere.outcome, "nowhere" in nowhere.reason) == (Outcome.CONFIG_ERROR, True)
    missing = run(node, tmp_path / "b", [], tox_envlist="missing")
    assert (missing.outcome, "gatelocal-no-such-package" in missing.reason) == (Outcome.FAILURE, True)
    (tmp_path / "trees/app/tox.ini").write_text(
        FILES["app/tox.ini"]
        + "set_env =\n  PIP_INDEX_URL = http://127.0.0.1:9/\n  PIP_RETRIES = 1\n  PIP_FIND_LINKS =\n"
    )
    offline = run(node, tmp_path / "c", [], tox_envlist="missing")
    assert (offline.outcome, "downloaded" in offline.reason) == (Outcome.NODE_FAILURE, True), offline
