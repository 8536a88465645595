"""A real container is prepared as the gate does it, keeps no sudo, and what it sends is bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.executor.tox import ToxExecutor
from gatelocal.launcher.pool import launcher
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.ports import Node

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

FILES = {
    "bindep.txt": "hello [test]\nno-such-package [other]\n",
    "tools/test-setup.sh": "#!/bin/sh -e\nsudo touch /var/setup-ran\necho set up\n",
    "tox.ini": """
[tox]
skipsdist = true
[testenv]
skip_install = true
allowlist_externals = *
commands = sh {env:SCRIPT}
[testenv:compiled]
deps = {tox_root}/extension
""",
    "sudo.sh": "test -e /var/setup-ran && hello && id -u && sudo -n true && echo STILL ROOT; exit 0\n",
    "slow.sh": "(sleep 1000 & echo $! > ../pid); sleep 1000\n",
    "odd.sh": """
log=.tox/py3/log
mkfifo $log/pipe; ln -s /dev/zero $log/zero; ln -s /etc $log/etc; ln -s . $log/self; truncate -s 400G $log/sparse
mkdir $log/many; (cd $log/many; seq 30000 | xargs touch); touch "$log/$(printf 'new\\nline')"
echo '<testsuite><testcase name="t" classname="c"/></testsuite>' > junit-a.xml
""",
    "full.sh": "dd if=/dev/zero of=/var/small/fill bs=1M\n",
    "extension/setup.py": "from setuptools import Extension, setup\n"
    "setup(name='x', version='1', ext_modules=[Extension('x', ['x.c'])])\n",
    "extension/x.c": "#include <gatelocal-nowhere.h>\n",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    if os.geteuid() != 0:
        pytest.skip("containers need root")
    node = launcher("nspawn", directories(os.environ).cache, tmp_path_factory.mktemp("nodes")).launch(None, print)
    tree = tmp_path_factory.mktemp("tree") / "src"
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "tools/test-setup.sh").chmod(0o755)
    node.put(tree, f"{node.home}/src")
    yield node
    node.close()


def run(node: Node, logs: Path, script: str, **wanted: object) -> tuple[BuildResult, list[str]]:
    said: list[str] = []
    timeout = wanted.pop("timeout", 300)
    variables = {"tox_envlist": "py3", "tox_environment": {"SCRIPT": script}, **wanted}
    job = Job(f"job-{script}", variables=variables, family="tox", timeout=timeout)  # type: ignore[arg-type]
    executor = ToxExecutor(said.append, install_packages=True)
    return executor.run(job, "acme/app", node, {"acme/app": f"{node.home}/src"}, logs), said


def test_the_gates_steps_and_what_a_job_leaves(node: Node, tmp_path: Path) -> None:
    result, said = run(node, tmp_path / "sudo", "sudo.sh", tox_envlist="py3", bindep_profile="test")
    assert result.outcome is Outcome.SUCCESS, "\n".join(said)
    assert "set up" in said
    assert "Hello, world!" in said
    assert "STILL ROOT" not in said
    assert node.run(["sudo", "-n", "true"]) != 0

    result, said = run(node, tmp_path / "slow", "slow.sh", timeout=25, test_setup_skip=True, tox_install_bindep=False)
    assert result.outcome is Outcome.TIMED_OUT, "\n".join(said)
    assert node.run(["sh", "-c", "test -s pid && ! kill -0 $(cat pid)"]) == 0

    result, said = run(node, tmp_path / "odd", "odd.sh", test_setup_skip=True, tox_install_bindep=False)
    assert (result.outcome, [test.name for test in result.tests]) == (Outcome.SUCCESS, ["c.t"]), "\n".join(said)
    found = [path for path in (tmp_path / "odd").rglob("*") if path.is_file() or path.is_symlink()]
    assert len(found) < 12_000
    assert all("\n" not in path.name for path in found)
    assert sum(path.lstat().st_size for path in found) < 100_000_000

    result, said = run(node, tmp_path / "compiled", "x", tox_envlist="compiled", test_setup_skip=True)
    assert result.outcome is Outcome.NODE_FAILURE, "\n".join(said)
    assert "the node " in result.reason
