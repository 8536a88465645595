"""How often a test fails, by the real command: in containers cloned from one that stands ready, and in a folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.live.ready import with_images
from tests.live.test_steps import Bench, bench

pytestmark = pytest.mark.live

__all__ = ["bench"]
RACE = """\
import pathlib, unittest
class T(unittest.TestCase):
    def test_race(self):
        # One in twenty of each node, so that the outcome is no matter of chance; and it tells where it ran.
        home = pathlib.Path.home()
        print("prepared:", (home / "prepared").read_text())
        with (home / "count").open("a") as file:
            file.write("x")
        self.assertNotEqual((home / "count").stat().st_size % 20, 7)
    def test_calm(self):
        pass
"""
GATE = """\
jobs:
  unit:
    setup: ["sleep 2; date +%N >> ~/prepared"]
    steps:
      - mkdir out
      - {command: "python3 -m unittest -v", suite: unittest}
"""


def flake(bench: Bench, *words: str, ok: int) -> dict[str, object]:
    found = json.loads(bench.type("gatelocal", "flake", *words, "--json", ok=(ok,)).stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.nspawn
def test_a_planted_race_is_found_on_clones_with_an_interval_that_holds_it(bench: Bench) -> None:
    bench.commit("A race", gatelocal__yaml=GATE, test_it__py=RACE)
    with with_images(bench) as own:
        found = flake(own, "test_it.T.test_race", "--job", "unit", "--node", "nspawn", "-n", "80", "-w", "2", ok=1)
        assert (found["verdict"], found["failed"], found["of"], found["lost"]) == ("flaky", 4, 80, 0)
        low, high = found["interval"]  # type: ignore[misc]
        assert low < 1 / 20 < high
        logs = Path(str(found["logs"]))
        prepared = {
            line.partition("prepared: ")[2]
            for path in logs.glob("*/tries/*/job-output.txt")
            for line in path.read_text().splitlines()
            if "prepared: " in line
        }
        assert len(prepared) == 1, "what comes before the tests was done once, for both nodes"


def test_what_always_passes_always_fails_or_is_not_there(bench: Bench) -> None:
    text = "def test_good(): pass\ndef test_bad(): assert 1 == 2\n"
    gate = 'jobs: {unit: {steps: [{command: "python -m pytest -q -p no:cacheprovider", suite: pytest}]}}\n'
    bench.commit("Two", gatelocal__yaml=gate, test_two__py=text, test_it__py="")
    bench.run(ok=1)
    local = ("--node", "local", "-n", "2")
    assert flake(bench, "test_two.py::test_good", "last", *local, ok=0)["verdict"] == "steady"
    found = flake(bench, *local, ok=1)
    assert (found["verdict"], found["tests"], found["reasons"]) == (
        "fails",
        ["test_two.test_bad"],
        [{"text": "assert 1 == 2", "times": 2}],
    )
    missing = bench.type("gatelocal", "flake", "test_two.test_gone", "--job", "unit", *local, ok=(2,))
    assert "job unit has no test test_two.test_gone" in missing.stderr
    assert "0 is not in the range" in bench.type("gatelocal", "flake", "x", "-n", "0", ok=(2,)).stderr


def test_what_the_machinery_does_is_no_failure(bench: Bench) -> None:
    gate = 'jobs: {unit: {setup: ["false"], steps: [{command: "python -m pytest -q", suite: pytest}]}}\n'
    bench.commit("No setup", gatelocal__yaml=gate)
    done: subprocess.CompletedProcess[str] = bench.type(
        "gatelocal", "flake", "test_it.T.test_holds", "--job", "unit", "--node", "local", "-n", "5", ok=(5,)
    )
    assert done.stdout.splitlines()[-1].startswith("NO VERDICT: no try came to test_it.T.test_holds")
