"""A project that has never heard of Zuul or Gerrit, by real commands: init, run, show; nodes are folders here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gatelocal.config.directories import directories

pytestmark = pytest.mark.live

BIN = Path(sys.executable).parent
MAKE = f"check:\n\t{sys.executable} -m unittest -v\n"
GOOD = "import unittest\nclass T(unittest.TestCase):\n    def test_holds(self):\n        self.assertEqual(1 + 1, 2)\n"
TWO = f"""\
jobs:
  lint: "{sys.executable} -m compileall -q ."
  unit:
    needs: lint
    artifacts: out
    steps:
      - mkdir out; date > out/now
      - name: tests
        command: "{sys.executable} -m pytest -q -p no:cacheprovider"
        suite: pytest
"""
FAST = """\
jobs:
  good: "true"
  bad: {needs: good, steps: [exit 3]}
  slow: sleep 250
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A person's work tree and the commands that the person types."""

    tree: Path
    state: Path
    cache: Path | None = None

    def type(self, *argv: str, ok: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        own = {
            "GATELOCAL_CACHE": str(self.cache or self.state / "cache"),
            "GATELOCAL_CONFIG": str(self.state / "config"),
        }
        done = subprocess.run(
            argv,
            cwd=self.tree,
            env={**os.environ, **own, "PATH": f"{BIN}:{os.environ['PATH']}", "GATELOCAL_STATE": str(self.state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in ok, f"{argv} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not any(line.startswith("Traceback") for line in done.stderr.splitlines())
        return done

    def run(self, *args: str, ok: int = 0) -> subprocess.CompletedProcess[str]:
        return self.type("gatelocal", "run", "--node", "local", *args, ok=(ok,))

    def commit(self, message: str, **files: str) -> None:
        for name, text in files.items():
            (self.tree / name.replace("__", ".")).write_text(text)
        self.type("git", "add", "--all")
        self.type("git", "commit", "-q", "-m", message)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "app", tmp_path / "state")
    bench.tree.mkdir()
    bench.type("git", "init", "-q", "-b", "main")
    bench.type("git", "config", "user.name", "A")
    bench.type("git", "config", "user.email", "a@example.com")
    bench.commit("Base", Makefile=MAKE, test_it__py=GOOD)
    bench.type("git", "clone", "-q", "--bare", ".", str(tmp_path / "app.git"))
    bench.type("git", "remote", "add", "origin", str(tmp_path / "app.git"))
    bench.type("git", "fetch", "-q", "origin")
    return bench


def test_from_nothing_to_a_verdict(bench: Bench) -> None:
    assert "gatelocal init" in bench.run(ok=5).stderr
    bench.type("gatelocal", "init")
    bench.commit("A gate")
    done = bench.run()
    assert "- make-check : SUCCESS" in done.stdout
    assert "1 test, 0 failed" in done.stdout
    assert "passes 1 job" in done.stdout.splitlines()[-1]
    bench.commit("A mistake", test_it__py=GOOD.replace("2)", "3)"))
    done = bench.run(ok=1)
    assert "make-check: test_it.T.test_holds" in done.stdout
    assert "AssertionError: 2 != 3" in done.stdout
    shown = bench.type("gatelocal", "show").stdout
    assert shown == done.stdout.lstrip("\n"), "word for word what the run said"
    runs = bench.type("gatelocal", "runs").stdout.splitlines()
    assert [line.split()[2] for line in runs[1:]] == ["fails", "passes"]
    assert "Ran 1 test" in bench.type("gatelocal", "logs", runs[2].split()[0]).stdout


def test_a_project_without_any_remote_has_a_gate_too(bench: Bench) -> None:
    bench.type("git", "remote", "remove", "origin")
    bench.type("gatelocal", "init")
    bench.commit("A gate")
    assert "HEAD is on main already: what was run is its tip" in bench.run().stdout
    bench.type("git", "checkout", "-q", "-b", "topic")
    bench.commit("A mistake", test_it__py=GOOD.replace("2)", "3)"))
    done = bench.run(ok=1)
    assert "onto: app main" in done.stdout and "make-check: test_it.T.test_holds" in done.stdout
    bench.type("git", "checkout", "-q", "main")
    bench.commit("Another", other="x")
    bench.type("git", "checkout", "-q", "topic")
    main = bench.type("git", "rev-parse", "main").stdout[:12]
    assert f"onto: app main {main}" in bench.run(ok=1).stdout, "what is tested is the merge with what main is now"


def test_the_first_failure_ends_the_others_where_that_is_asked_for(bench: Bench) -> None:
    bench.commit("A mistake", gatelocal__yaml=FAST)
    found = json.loads(bench.run("--fail-fast", "-w", "3", "--json", ok=1).stdout)
    ended = {one["job"]: one["outcome"] for one in found["builds"]}
    assert ended == {"bad": "FAILURE", "slow": "ABORTED", "good": "SUCCESS"}
    assert found["seconds"] < 200


def test_a_failing_test_is_told_while_others_still_run(bench: Bench) -> None:
    bad = "import time\ndef test_a():\n    assert 0\ndef test_b():\n    time.sleep(5)\n    print('slept')\n"
    bench.commit("A mistake", gatelocal__yaml=TWO.replace("pytest -q", "pytest -q -s"), test_slow__py=bad)
    bench.run(ok=1)
    lines = bench.type("gatelocal", "logs", "-j", "unit").stdout.splitlines()
    told = next(at for at, line in enumerate(lines) if line.endswith("> failed: test_slow.test_a"))
    assert told < next(at for at, line in enumerate(lines) if "slept" in line)


@pytest.mark.parametrize("options", ["", " -n 2"])
def test_only_what_failed_is_run_again_and_is_no_pass_of_the_change(bench: Bench, options: str) -> None:
    gate = TWO.replace("-p no:cacheprovider", "-p no:cacheprovider" + options)
    many = "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_it(n): assert n != 3\n"
    bench.commit("A mistake", gatelocal__yaml=gate, test_many__py=many)
    bench.run(ok=1)
    told = bench.run("--failed", "--list").stdout
    assert "unit: only test_many.test_it[3]" in told and "lint" not in told
    found = json.loads(bench.run("--failed", "--json", ok=1).stdout)
    assert [(one["job"], one["tests"]) for one in found["builds"]] == [("unit", 1)]
    bench.commit("Mended", test_many__py=many.replace("n != 3", "True"))
    done = bench.run("--failed", ok=7)
    assert "of 1 job not all tests were asked for" in done.stdout.splitlines()[-1]
    assert "    1 test, 0 failed" in done.stdout.splitlines()
    assert "has passed" in bench.run("--failed", ok=2).stderr
    assert "passes 2 jobs" in bench.run().stdout.splitlines()[-1]


def test_one_test_of_one_job(bench: Bench) -> None:
    more = "def test_a(): pass\n\ndef test_b(): assert 0\n"
    bench.commit("More", gatelocal__yaml=TWO, test_more__py=more)
    assert "no run of this work tree" in bench.run("--test", "test_more.test_a", ok=2).stderr
    done = bench.run("--test", "test_more.py::test_a", "--job", "unit", ok=7)
    assert "    1 test, 0 failed" in done.stdout.splitlines()
    bench.run(ok=1)
    assert "    2 tests, 1 failed" in bench.run("--test", "test_more", ok=1).stdout.splitlines()
    assert "    1 test, 1 failed" in bench.run("--test", "test_more.test_b", ok=1).stdout.splitlines()
    assert "that were asked for is there" in bench.run("--test", "test_more.test_z", "-j", "unit", ok=5).stdout
    assert "--test is for one job" in bench.run("--test", "test_more", "--failed", ok=2).stderr


def test_what_failed_is_tried_on_the_branch_without_the_change(bench: Bench) -> None:
    weak = "def test_good(): assert 1\ndef test_old(): assert 0\ndef test_new(): assert 1\n"
    bench.commit("A gate", gatelocal__yaml=TWO, test_many__py=weak)
    bench.type("git", "push", "-q", "origin", "main")
    bench.commit("A mistake", test_many__py=weak.replace("test_new(): assert 1", "test_new(): assert 0"))
    assert "no run was begun" in bench.run("--trunk", ok=2).stderr
    bench.run(ok=1)
    assert "says itself" in bench.run("HEAD", "--trunk", ok=2).stderr
    told = bench.run("--trunk", ok=1).stdout.splitlines()
    assert "unit: test_many.test_old: fails without the change, too" in told
    assert "unit: test_many.test_new: passes without the change" in told
    assert "    2 tests, 1 failed" in told, "only those that failed ran"
    (tree,) = (bench.tree / "test_many.py",)
    tree.write_text(weak)
    bench.commit("Mended its own", test_it__py=GOOD)
    assert "fails on trunk too (certain)" in bench.run("--failed", ok=1).stdout
    tree.write_text(weak.replace("test_old(): assert 0", "test_old(): assert 1"))
    bench.commit("Mended all")
    assert "of 1 job not all tests were asked for" in bench.run("--failed", ok=7).stdout


def test_a_job_that_needs_another_is_skipped_with_it_and_results_are_the_same_as_of_any_job(bench: Bench) -> None:
    bench.commit("A gate", gatelocal__yaml=TWO)
    found = json.loads(bench.run("--json").stdout)
    assert [(one["job"], one["outcome"], one["tests"]) for one in found["builds"]] == [
        ("lint", "SUCCESS", 0),
        ("unit", "SUCCESS", 1),
    ]
    assert (Path(found["logs"]) / "unit" / "artifacts" / "out" / "now").read_text()
    assert "/unit/artifacts/out/now" in bench.type("gatelocal", "artifacts", "last", "--job", "unit").stdout
    bench.commit("A mistake", test_it__py="def broken(:\n")
    found = json.loads(bench.run("--json", ok=1).stdout)
    assert [(one["job"], one["outcome"]) for one in found["builds"]] == [("lint", "FAILURE"), ("unit", "SKIPPED")]
    assert found["builds"][0]["reason"] == "step 1 ended with status 1"


PAIR = """\
jobs:
  pair:
    nodes: {web: debian-bookworm, db: debian-bookworm}
    artifacts: out
    steps:
      - "getent hosts db && echo web > out"
      - {command: "echo db > out; python3 -m unittest -v", node: db}
      - {name: lost, command: frobnicate}
"""


@pytest.mark.nspawn
def test_steps_run_on_two_containers_and_what_a_node_lacks_is_no_failure(bench: Bench) -> None:
    shared = replace(bench, cache=directories(os.environ).cache)
    shared.commit("A gate", gatelocal__yaml=PAIR)
    found = json.loads(shared.type("gatelocal", "run", "--node", "nspawn", "--json", ok=(5,)).stdout)
    (build,) = found["builds"]
    assert (build["outcome"], build["tests"]) == ("CONFIG_ERROR", 1)
    assert build["reason"].startswith("step 3 (lost): the node has no program frobnicate")
    logs = Path(found["logs"]) / "pair"
    assert (logs / "artifacts/out").read_text() == "web\n"
    assert (logs / "nodes/db/artifacts/out").read_text() == "db\n"
