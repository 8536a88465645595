"""Which commit makes a test fail, by the real command: in containers, each cloned from the first, and in folders."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.live.ready import with_images
from tests.live.test_steps import Bench, bench

pytestmark = pytest.mark.live

__all__ = ["bench"]
GATE = """\
jobs:
  unit:
    setup: ["date +%N >> ~/prepared"]
    steps:
      - {command: "python3 -m unittest -v", suite: unittest}
"""
TEST = "import unittest, value\nclass T(unittest.TestCase):\n    def test_it(self): self.assertLess(value.VALUE, {0})\n"


def series(bench: Bench, count: int, culprit: int) -> None:
    """The test on the branch, and so many commits beside it."""
    bench.commit("A test", gatelocal__yaml=GATE, test_it__py=TEST.format(culprit), value__py="VALUE = 0\n")
    bench.type("git", "push", "-q", "origin", "HEAD")
    bench.type("git", "fetch", "-q", "origin")
    bench.type("git", "checkout", "-q", "-b", "topic")
    for number in range(1, count + 1):
        bench.commit(f"Value {number}", value__py=f"VALUE = {number}\n")


def bisect(bench: Bench, *words: str, ok: int = 0) -> Mapping[str, object]:
    found = json.loads(bench.type("gatelocal", "bisect", *words, "--json", ok=(ok,)).stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.nspawn
def test_a_planted_culprit_among_sixteen_commits_is_found_in_five_probes_from_clones(bench: Bench) -> None:
    series(bench, 16, 11)
    with with_images(bench) as own:
        own.type("gatelocal", "run", "--node", "nspawn", "-q", ok=(1,))
        found = bisect(own, "--node", "nspawn")
        assert found["verdict"] == "found"
        assert [one["subject"] for one in found["culprits"]] == ["Value 11"]  # type: ignore[attr-defined]
        probes = [one for one in found["probes"] if not one["recorded"]]  # type: ignore[attr-defined]
        assert [one["clone"] for one in probes] == [False, True, True, True, True]
        assert found["why"] == "AssertionError: 11 not less than 11"


def test_merges_of_a_branch_and_changes_ahead(bench: Bench) -> None:
    series(bench, 2, 2)
    words = ("test_it.T.test_it", "--job", "unit", "--node", "local")
    bench.type("git", "push", "-q", "origin", "topic:main")
    bench.type("git", "fetch", "-q", "origin")
    found = bisect(bench, *words, "--good", "HEAD~2")
    assert (found["kind"], [one["subject"] for one in found["culprits"]]) == ("merge", ["Value 2"])  # type: ignore[attr-defined]
    bench.type("git", "push", "-qf", "origin", "topic~2:main")
    bench.type("git", "fetch", "-q", "origin")
    for name, text in (("one", "VALUE = 9"), ("own", "")):
        bench.type("git", "checkout", "-q", "-B", name, "topic~2")
        bench.commit(name, **({"value__py": f"{text}\n"} if text else {"own__txt": name}))
    found = bisect(bench, *words, "--ahead", "one")
    assert (found["kind"], [one["subject"] for one in found["culprits"]]) == ("change ahead", ["one"])  # type: ignore[attr-defined]


def test_the_test_that_makes_another_one_fail_is_found_among_those_before_it(bench: Bench) -> None:
    gate = 'jobs: {unit: {steps: [{command: "python -m pytest -q -p no:cacheprovider", suite: pytest}]}}\n'
    leaves = "import builtins\ndef test_leaves(): builtins.left = 1\ndef test_calm(): pass\n"
    victim = "import builtins\ndef test_victim(): assert not hasattr(builtins, 'left')\ndef test_last(): pass\n"
    bench.commit("Two", gatelocal__yaml=gate, test_a__py=leaves, test_z__py=victim, test_it__py="def test_x(): pass\n")
    bench.run(ok=1)
    found = json.loads(bench.type("gatelocal", "flake", "--isolate", "--node", "local", "--json").stdout)
    assert (found["verdict"], found["test"], found["others"]) == (
        "others",
        "test_z.test_victim",
        ["test_a.test_leaves"],
    )
    assert (found["before"], found["beside"]) == (3, 0)
    assert [one["answer"] for one in found["probes"][:2]] == ["good", "bad"], "alone, and with all"
    told = bench.type("gatelocal", "flake", "--isolate", "test_a.test_leaves", "--node", "local", ok=(2,)).stderr
    assert "no other test ran before test_a.test_leaves or beside it" in told
