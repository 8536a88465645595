"""A tox job with everything that the role knows, on a folder of this machine, with real packages from the index."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from gatelocal import process
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
    assert (missing.outcome, "gatelocal-no-such-package" in missing.reason) == (Outcome.CONFIG_ERROR, True)
    assert "the environment missing could not be built" in missing.reason
    (tmp_path / "trees/app/tox.ini").write_text(
        FILES["app/tox.ini"]
        + "set_env =\n  PIP_INDEX_URL = http://127.0.0.1:9/\n  PIP_RETRIES = 1\n  PIP_FIND_LINKS =\n"
    )
    offline = run(node, tmp_path / "c", [], tox_envlist="missing")
    assert (offline.outcome, "downloaded" in offline.reason) == (Outcome.NODE_FAILURE, True), offline


def test_an_index_that_pip_says_nothing_of(node: FolderNode, tmp_path: Path) -> None:
    """With no retries pip says the same of an index that is not there as of a package that is not."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_FIND_LINKS": ""}
    silent = run(node, tmp_path / "a", [], tox_envlist="missing", tox_environment=nowhere)
    assert (silent.outcome, "not even pip" in silent.reason) == (Outcome.NODE_FAILURE, True), silent


EXTENSION = """
from setuptools import Extension, setup
setup(name="app", version="1", ext_modules=[Extension("app.x", ["x.c"], libraries=["{library}"])])
"""


@pytest.mark.parametrize(
    ("source", "library", "path", "reason"),
    [
        ("#include <Python.h>\n", "m", "bare", "the node has no compiler"),
        (
            "#include <gatelocal-nowhere.h>\n",
            "m",
            "",
            "the node lacks a header file: x.c:1:10: fatal error: gatelocal-no",
        ),
        ("#include <Python.h>\n", "gatelocal-nowhere", "", "the node lacks a library"),
        ("#include <Python.h>\nthis is no C\n", "m", "", "could not be built"),
    ],
)
def test_what_the_node_lacks_to_build_an_extension(
    node: FolderNode, tmp_path: Path, source: str, library: str, path: str, reason: str
) -> None:
    app = tmp_path / "trees/app"
    (app / "setup.cfg").unlink()
    (app / "setup.py").write_text(EXTENSION.format(library=library))
    (app / "x.c").write_text(source)
    (app / "tox.ini").write_text("[testenv]\ncommands = python -c 1\n")
    if path:
        (tmp_path / path).mkdir()
        for name in ("sh", "env", "git"):
            (tmp_path / path / name).symlink_to(shutil.which(name) or "")
        for name in ("python3", "tox"):
            (tmp_path / path / name).write_text(f'#!/bin/sh\nexec {Path(sys.executable).parent / name} "$@"\n')
            (tmp_path / path / name).chmod(0o755)
        node = FolderNode(tmp_path, {"PATH": str(tmp_path / path)})
    result = run(node, tmp_path / "logs", [], tox_envlist="py3", tox_install_siblings=False)
    wanted = Outcome.NODE_FAILURE if "node" in reason else Outcome.CONFIG_ERROR
    assert (result.outcome, reason in result.reason) == (wanted, True), result


def test_tox_as_the_job_wants_it(node: FolderNode, tmp_path: Path) -> None:
    app = tmp_path / "trees/app"
    (app / "ci").mkdir()
    (app / "ci/tox.ini").write_text("[tox]\nskipsdist = true\n[testenv]\nskip_install = true\ncommands = python -c 1\n")
    said: list[str] = []
    result = run(
        FolderNode(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}),
        tmp_path / "logs",
        said,
        tox_envlist="py3",
        tox_config_file="ci/tox.ini",
        ensure_tox_version="<4.30",
        python_version="2.1",
    )
    assert result.outcome is Outcome.SUCCESS, "\n".join(said)
    tox = tmp_path / ".local/tox/bin/tox"
    assert process.run([str(tox), "--version"]).stdout < "4.30"
    assert f"[tests] {tox} -c ci/tox.ini -e py3 --skip-missing-interpreters=false" in said
    assert any(line.startswith("the job wants Python 2.1, which this node does not have (the folder") for line in said)
    assert (tmp_path / "logs/tox/py3").is_dir()
