"""What is tested together and what is merged underneath: cycles, queued changes, jobs of several projects; real git."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.config.directories import Directories
from gatelocal.engine.rebuild import Kitchen
from gatelocal.engine.request import GateRequest
from gatelocal.engine.rerun import rerun
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.recipe import Recipe
from gatelocal.model.result import Outcome
from gatelocal.model.run import RunResult, Verdict
from tests.fakes.git_bench import GitBench, GitWorld
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP, LIB, TOOLS = "demo/app", "demo/lib", "demo/tools"
JOBS = "- job: {{name: unit, parent: tox}}\n- job: {{name: {0}, parent: tox}}\n"
GATE = "- project: {{gate: {{jobs: [unit, {0}: {{dependencies: [unit]}}]}}}}\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> GitBench:
    folder = tmp_path_factory.mktemp("item")
    server = GitServer(folder / "server")
    server.create(APP, {".zuul.yaml": (JOBS + GATE).format("app-only")})
    server.create(LIB, {".zuul.yaml": (JOBS + GATE).format("lib-only")})
    server.create(TOOLS, {"tool": "1\n"})
    app = server.change(APP, {"a": "1\n"}, message="App\n\nDepends-On: lib\nDepends-On: tools\n")
    lib = server.change(LIB, {"l": "1\n"}, message="Lib\n\nDepends-On: app\n")
    tools = server.change(TOOLS, {"t": "1\n"}, message="Tools\n\nDepends-On: app\n")
    first = server.change(APP, {"first": "1\n"}, message="First\n")
    second = server.change(LIB, {"second": "1\n"}, message="Second\n")
    alone = server.change(APP, {"alone": "1\n"}, message="Alone\n")
    known = {"app": app, "lib": lib, "tools": tools, "first": first, "second": second, "alone": alone}
    return GitBench(server, folder, GitWorld(folder / "nodes", known, {}))


@pytest.fixture(scope="module")
def cycle(bench: GitBench) -> tuple[RunResult, Recipe]:
    return bench.run("app")


def test_all_members_of_a_cycle_run_their_own_jobs(bench: GitBench, cycle: tuple[RunResult, Recipe]) -> None:
    result, recipe = cycle
    assert {one.job: one.outcome for one in result.builds} == dict.fromkeys(
        ("unit", "app-only", f"unit ({LIB} 2,1)", "lib-only"), Outcome.SUCCESS
    )
    assert result.verdict is Verdict.PASSES and [step.own for step in recipe.steps] == [True] * 3
    assert {one.job for one in result.builds} == {job.name for job in recipe.jobs}
    assert all(job.facts["outcome"] == "SUCCESS" for job in recipe.jobs)
    assert any("it lands together with" in note for note in result.notes)
    assert any(note.startswith(f"{TOOLS} 3,1 brings no job: ") for note in result.notes)
    trees = {name for one in bench.world.seen.values() for name in one}
    assert trees == {APP, LIB, TOOLS}


def test_whoever_of_a_cycle_is_asked_for_the_same_jobs_run(bench: GitBench) -> None:
    result, _ = bench.run("lib", "from-lib")
    assert {one.job for one in result.builds} == {"unit", "lib-only", f"unit ({APP} 1,1)", "app-only"}
    assert result.change.project == LIB
    with pytest.raises(ConfigurationError, match="no configuration in commit"):
        bench.run("tools", "from-tools")


def test_a_cycle_runs_again_from_its_recipe(bench: GitBench, cycle: tuple[RunResult, Recipe]) -> None:
    first, recipe = cycle
    directories = Directories(bench.folder / "elsewhere/cache", bench.folder / "elsewhere/state")
    kitchen = Kitchen(directories, bench.folder / "logs", bench.folder / "again", lambda line: None)
    request = GateRequest(width=2)
    result = rerun(recipe, kitchen, replace(bench.tools("again"), width=2), request)
    assert [one.job for one in result.builds] == [one.job for one in first.builds]
    assert result.verdict is Verdict.PASSES


def test_what_needs_a_job_that_fails_is_skipped(bench: GitBench) -> None:
    bench.world.ends["unit"] = Outcome.FAILURE
    try:
        result, recipe = bench.run("alone", "fails")
    finally:
        bench.world.ends.clear()
    assert [(one.job, one.outcome.value, one.reason) for one in result.builds] == [
        ("unit", "FAILURE", ""),
        ("app-only", "SKIPPED", "unit did not succeed"),
    ]
    assert result.verdict is Verdict.FAILS
    assert [job.facts["outcome"] for job in recipe.jobs] == ["FAILURE", "SKIPPED"]


def test_queued_changes_are_merged_underneath_and_bring_no_job(bench: GitBench) -> None:
    result, recipe = bench.run("alone", "queued", ahead=("second", "first"))
    assert [step.change.subject for step in recipe.steps] == ["Second", "First", "Alone"]
    assert [step.own for step in recipe.steps] == [False, False, True]
    assert [one.job for one in result.builds] == ["unit", "app-only"]
    assert [one.subject for one in result.dependencies] == ["Second", "First"]
    with pytest.raises(InputError, match="cannot come before"):
        bench.run("app", "wrong", ahead=("lib",))


def test_a_chosen_job_of_a_cycle_runs_for_each_that_has_it(bench: GitBench) -> None:
    result, _ = bench.run("app", "chosen", jobs=("unit",))
    assert [one.job for one in result.builds] == ["unit", f"unit ({LIB} 2,1)"]
    assert (result.chosen, result.unasked) == (True, 2)


def test_files_of_jobs_are_found_by_their_names(cycle: tuple[RunResult, Recipe]) -> None:
    folders = sorted(path.name for path in Path(cycle[0].logs).glob("[!.]*/"))
    assert len(folders) == 4 and {"unit", "app-only", "lib-only"} < set(folders)
