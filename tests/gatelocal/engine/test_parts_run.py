"""A run whose job is taken apart, by the gate's own road: real git, nodes that are folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.model.part import Part
from gatelocal.model.result import Outcome
from tests.fakes.git_bench import GitBench, GitWorld
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP = "demo/app"
GATE = """\
- job: {name: unit, parent: tox, files: [code/.*], vars: {gatelocal_times: 9}}
- job: {name: after, parent: tox}
- job: {name: lone, parent: tox, files: [code/.*]}
- project: {gate: {jobs: [unit, after: {dependencies: [unit]}, lone]}}
"""


@pytest.fixture
def bench(tmp_path: Path) -> GitBench:
    server = GitServer(tmp_path / "server")
    server.create(APP, {".zuul.yaml": GATE})
    change = server.change(APP, {"doc": "1\n"}, message="A text\n")
    return GitBench(server, tmp_path, GitWorld(tmp_path / "nodes", {"doc": change}, {}))


def test_each_part_is_a_build_and_the_recipe_knows_the_job_alone(bench: GitBench) -> None:
    parts = {"unit": (Part("1 of 2", {"x": 1}), Part("2 of 2", {"x": 2}))}
    result, recipe = bench.run("doc", parts=parts, only={"unit": ("a.T.test",)})
    assert [(one.job, one.outcome) for one in result.builds] == [
        ("unit (1 of 2)", Outcome.SUCCESS),
        ("unit (2 of 2)", Outcome.SUCCESS),
        ("after", Outcome.SUCCESS),
        ("lone", Outcome.SUCCESS),
    ], "whatever the change touches"
    assert [job.name for job in recipe.jobs] == ["unit", "after", "lone"]
    assert recipe.jobs[0].checkouts == {APP: "main"}


def test_a_job_as_such_goes_by_what_the_change_touches(bench: GitBench) -> None:
    result, _ = bench.run("doc")
    assert [one.name for one in result.not_run] == ["lone"]
