"""A run's recipe: what it holds, what is made from it again, and how two of them differ; git is real throughout."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from gatelocal.cli.diff import diff
from gatelocal.cli.replay import replay
from gatelocal.engine import recipes
from gatelocal.engine.difference import differences
from gatelocal.engine.place import without_userinfo
from gatelocal.errors import InputError
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.recipe import Recipe, RecipeRepository
from gatelocal.model.result import Outcome
from gatelocal.model.run import RunResult
from git_review.git.runner import Runner
from tests.fakes.git_bench import GitBench, GitWorld
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP, LIB, TOOLS = "demo/app", "demo/lib", "demo/tools"
ZUUL = """\
- job:
    name: unit
    parent: tox
    required-projects:
      - name: demo/tools
        override-checkout: 1.0.0
- job:
    name: stable
    parent: tox
    override-checkout: stable/1
- project:
    gate:
      jobs: [unit, stable]
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> GitBench:
    folder = tmp_path_factory.mktemp("recipe")
    server = GitServer(folder / "server")
    first = server.create(APP, {".zuul.yaml": ZUUL})
    server.commit(APP, "refs/heads/stable/1", (first,), {"STABLE": "1\n"})
    server.create(LIB, {"lib.py": "x = 1\n"})
    old = server.create(TOOLS, {"tool": "1\n"})
    server.git(TOOLS).run("tag", "1.0.0", old)
    server.commit(TOOLS, "refs/heads/main", (old,), {"tool": "2\n"})
    needed = server.change(LIB, {"lib.py": "x = 2\n"}, message="Library\n")
    ahead = server.change(APP, {"ahead": "1\n"}, message="Ahead\n")
    change = server.change(APP, {"top": "1\n"}, message="Top\n\nDepends-On: lib\nDepends-On: ahead\n")
    return GitBench(server, folder, GitWorld(folder / "nodes", {"lib": needed, "ahead": ahead, "top": change}, {}))


@pytest.fixture(scope="module")
def ran(bench: GitBench) -> tuple[RunResult, Recipe]:
    return bench.run("top")


@pytest.fixture(scope="module")
def recipe(ran: tuple[RunResult, Recipe]) -> Recipe:
    return ran[1]


def test_a_job_gets_the_trees_that_its_definition_asks_for(bench: GitBench, ran: tuple[RunResult, Recipe]) -> None:
    result, recipe = ran
    assert [build.outcome for build in result.builds] == [Outcome.SUCCESS] * 2
    tag = bench.server.git(TOOLS).query("rev-parse", "1.0.0").text
    (app,) = (one for one in recipe.repositories if one.project == APP)
    assert bench.world.seen["unit"][TOOLS] == tag
    assert bench.world.seen["unit"][APP] == app.merged[0].commit
    assert bench.world.seen["stable"] == {
        APP: bench.server.tip(APP, "stable/1"),
        LIB: next(one for one in recipe.repositories if one.project == LIB).merged[0].commit,
    }
    unit, stable = recipe.jobs
    assert unit.checkouts == {APP: "main", LIB: "main", TOOLS: "1.0.0"}
    assert stable.checkouts == {APP: "stable/1", LIB: "main"}
    assert unit.facts["outcome"] == "SUCCESS" and str(unit.facts["node"]).startswith("the folder")
    assert unit.definition["parents"] == ["tox"]


def test_a_recipe_says_exactly_what_was_merged(bench: GitBench, recipe: Recipe) -> None:
    assert [step.change.name for step in recipe.steps] == ["demo/lib 1,1", "demo/app 2,1", "demo/app 3,1"]
    assert [step.own for step in recipe.steps] == [False, False, True]
    app = next(one for one in recipe.repositories if one.project == APP)
    assert app.url == str(bench.server.path(APP))
    assert set(app.state.branches) == {"main", "stable/1"}
    assert app.state.branches["main"] == app.merged[0].base
    assert app.merged[0].before_last == recipe.steps[1].commit
    assert (bench.folder / "logs/recipe.yaml").stat().st_mode & 0o777 == 0o600


def test_the_same_commits_and_trees_elsewhere(bench: GitBench, recipe: Recipe) -> None:
    for project in (APP, TOOLS):  # the world goes on
        bench.server.commit(project, "refs/heads/main", (bench.server.tip(project),), {"later": "1\n"})
    made = bench.rebuild(recipe, "again", "unit")
    assert made.identical
    heads = {name: Runner(path, alone=True).query("rev-parse", "HEAD").text for name, path in made.paths.items()}
    assert heads == bench.world.seen["unit"]
    app = Runner(made.paths[APP], alone=True)
    assert app.query("diff", "--name-only", "origin/main", "main").lines == ["top"]
    assert set(bench.rebuild(recipe, "again").paths) == {APP, LIB, TOOLS}


def test_what_the_server_does_not_have_any_more_is_named(bench: GitBench, recipe: Recipe) -> None:
    git = bench.server.git(TOOLS)
    git.run("tag", "-d", "1.0.0")
    gone = "1" * 40
    tools = next(one for one in recipe.repositories if one.project == TOOLS)
    lost = replace(tools, state=replace(tools.state, tags={"1.0.0": gone, "2.0.0": gone}))
    others = tuple(one for one in recipe.repositories if one.project != TOOLS)
    made = bench.rebuild(replace(recipe, repositories=(*others, lost)), "lost")
    assert not made.identical and "demo/tools: tag" in made.lost[0] and "cannot be had any more" in made.lost[0]
    steps = tuple(replace(step, change=replace(step.change, commit=gone, ref=None)) for step in recipe.steps)
    made = bench.rebuild(replace(recipe, steps=steps), "gone")
    assert made.paths == {} and made.lost[0].startswith("demo/lib 1,1: its commit 1111")


def with_tools(recipe: Recipe, **refs: Mapping[str, str]) -> Recipe:
    """The recipe with other refs of the tools, who are not changed by anything."""
    repositories = (
        replace(one, state=replace(one.state, **refs)) if one.project == TOOLS else one for one in recipe.repositories
    )
    return replace(recipe, repositories=tuple(repositories))


@pytest.mark.parametrize("others", [{}, {"other": "head"}])
def test_a_tree_whose_checkout_is_lost_is_left_out(bench: GitBench, recipe: Recipe, others: dict[str, str]) -> None:
    there = {name: bench.server.tip(TOOLS) for name in others}
    lost = with_tools(recipe, branches={"main": "1" * 40, **there}, tags={})
    jobs = [replace(job, checkouts={**job.checkouts, TOOLS: "main"}) for job in recipe.jobs]
    for name, jobs_of_it in (("head", tuple(jobs)), ("headless", ())):
        made = bench.rebuild(replace(lost, jobs=jobs_of_it), f"{name}{len(others)}")
        assert made.lost == (
            "demo/tools: branch main at 111111111111 cannot be had any more",
            "demo/tools: there is no tree of it, because main was checked out in it",
        )
        assert set(made.paths) == {APP, LIB} and not made.identical


def test_a_project_without_any_ref_is_named(bench: GitBench, recipe: Recipe) -> None:
    made = bench.rebuild(replace(with_tools(recipe, branches={}, tags={}), jobs=()), "none")
    assert made.lost == ("demo/tools has none of the branches that could be checked out: main",)
    assert set(made.paths) == {APP, LIB}


def test_a_lost_base_is_named(bench: GitBench, recipe: Recipe) -> None:
    def without(one: RecipeRepository) -> RecipeRepository:
        return replace(one, merged=tuple(replace(each, base="1" * 40) for each in one.merged))

    steps = tuple(replace(step, base="1" * 40) if step.change.project == LIB else step for step in recipe.steps)
    repositories = tuple(without(one) if one.project == LIB else one for one in recipe.repositories)
    made = bench.rebuild(replace(recipe, steps=steps, repositories=repositories), "base")
    assert made.lost == ("demo/lib: branch main at 111111111111 cannot be had any more",) and not made.paths


def test_a_checkout_or_branch_that_the_recipe_does_not_have_is_refused(bench: GitBench, recipe: Recipe) -> None:
    job = replace(recipe.jobs[0], checkouts={**recipe.jobs[0].checkouts, TOOLS: "nope"})
    with pytest.raises(InputError, match="job unit wants nope of demo/tools, and the recipe has no such branch or tag"):
        bench.rebuild(replace(recipe, jobs=(job,)), "nope")
    step = replace(recipe.steps[-1], change=replace(recipe.steps[-1].change, branch="nope"))
    with pytest.raises(InputError, match="merges into nope of demo/app and has no such branch"):
        bench.rebuild(replace(recipe, steps=(step,)), "nowhere")


def test_what_comes_out_otherwise_is_named(bench: GitBench, recipe: Recipe) -> None:
    last = replace(recipe.steps[-1], message="Another message\n")
    made = bench.rebuild(replace(recipe, steps=(*recipe.steps[:-1], last)), "other")
    assert not made.identical
    assert any("demo/app 3,1: merged it is" in sentence for sentence in made.different)
    assert not any("tree" in sentence for sentence in made.different)


def test_commits_that_no_server_has_travel_with_the_recipe(bench: GitBench) -> None:
    work = bench.folder / "tree"
    Runner(bench.folder, alone=True).run("clone", "-q", str(bench.server.path(APP)), str(work))
    git = Runner(work, alone=True)
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "Mine")
    sha = git.query("rev-parse", "HEAD").text
    bench.server.commit(APP, "refs/heads/main", (bench.server.tip(APP),), {"later": "1\n"})
    mine = Change(APP, "main", sha, "Mine\n", ChangeStatus.LOCAL)
    world = replace(bench.world, known={"HEAD": mine})
    _, recipe = replace(bench, world=world).run("HEAD", "local", work_tree=work)
    shutil.rmtree(work)
    assert f"demo/app {sha[:10]}: its commit" in bench.rebuild(recipe, "nowhere").lost[0]
    shutil.copy(bench.folder / "local/local-commits.bundle", bench.folder / "logs")
    assert bench.rebuild(recipe, "travelled").identical


@pytest.mark.live
def test_a_recipe_with_as_many_refs_as_are_kept_can_be_read(recipe: Recipe, tmp_path: Path) -> None:
    tags = {f"{number}{'x' * 400}": "1" * 40 for number in range(recipes.REFS_KEPT - 1)}
    large = with_tools(recipe, tags=tags)
    assert recipes.write(large, tmp_path).stat().st_size > 2_000_000
    assert recipes.read(tmp_path).repositories == large.repositories


def test_a_file_larger_than_any_recipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "MAX_CHARACTERS", 100)
    (tmp_path / "recipe.yaml").write_text("x" * 101)
    with pytest.raises(InputError, match=r"recipe.yaml: it is too large: more than 100 characters"):
        recipes.read(tmp_path)


@pytest.mark.live
def test_too_many_refs_in_all_are_not_kept(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "REFS_IN_ALL", 3)
    _, few = bench.run("top", "few")
    assert {one.project for one in few.repositories if one.whole} == {APP, LIB}
    assert bench.rebuild(few, "few-again").identical


def test_two_recipes_in_words(bench: GitBench, recipe: Recipe) -> None:
    assert differences(recipe, recipe) == ()
    bench.server.commit(TOOLS, "refs/heads/main", (bench.server.tip(TOOLS),), {"later": "1\n"})
    bench.server.commit(APP, "refs/heads/main", (bench.server.tip(APP),), {".zuul.yaml": ZUUL.replace("1.0.0", "main")})
    world = replace(bench.world, known={**bench.world.known, "top": replace(bench.world.known["top"], message="Top\n")})
    _, other = replace(bench, world=world).run("top", "differs")
    told = "\n".join(differences(recipe, other))
    assert "merges: only the first has demo/lib 1\n" in told
    assert "demo/app main: base " in told and "demo/app main: the merged trees differ" in told
    assert "demo/lib: only the first has it" in told
    assert "demo/tools: branch main: " in told
    assert "job unit: demo/tools checked out at 1.0.0 against main" in told
    assert "job unit: required_projects: " in told


def test_nobody_reads_a_password_in_a_recipe() -> None:
    assert without_userinfo("https://me:s3cret@review.example.org/a/x") == "https://review.example.org/a/x"
    assert without_userinfo("ssh://me@review.example.org:29418/x") == "ssh://review.example.org:29418/x"
    assert without_userinfo("me@review.example.org:x/y") == "review.example.org:x/y"
    assert without_userinfo("/srv/a@b/x") == "/srv/a@b/x"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("gatelocal-recipe", 2), "a recipe of version 2"),
        (("gatelocal-recipe", None), "it is no recipe"),
        (("merges", {}), "merges: no list"),
        (("merges", [{"mode": "octopus"}]), "merges 1: mode: no merge mode"),
        (("repositories", [{"project": "x", "branches": {"main": "--upload-pack=x"}}]), "'main' is no ref"),
        (("repositories", [{"project": "x", "bundle": "../../x"}]), "no plain name of a file"),
        (("host", ["x"]), "host: no text"),
    ],
)
def test_what_is_no_recipe_is_refused_with_the_place(change: tuple[str, object], said: str, tmp_path: Path) -> None:
    data = {"gatelocal-recipe": 1, "host": "h", "pipeline": "gate", "merges": [], "repositories": [], "jobs": []}
    data["change"] = {"project": "p", "branch": "b", "commit": "1" * 40, "subject": "s"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**data, change[0]: change[1]}))
    with pytest.raises(InputError, match=said):
        recipes.read(tmp_path)


def test_the_commands(bench: GitBench, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_CACHE", str(bench.folder / "elsewhere/cache"))
    logs = str(bench.folder / "logs")
    again = [logs, "--until", "workspace", str(bench.folder / "typed")]
    done = CliRunner().invoke(replay, again, standalone_mode=False)
    assert (done.return_value, done.stdout.splitlines()[-1]) == (
        0,
        "identical: every commit and every tree is as the recipe says",
    )
    other = bench.folder / "other.yaml"
    step = recipe.steps[-1]
    text = (bench.folder / "logs/recipe.yaml").read_text()
    other.write_text(
        text.replace(f"result: {step.commit}", f"result: {'1' * 40}").replace("mode: merge-res", "mode: res")
    )
    with pytest.raises(InputError, match="mode: no merge mode"):
        recipes.read(other)
    other.write_text(text.replace(f"result: {step.commit}", f"result: {'a' * 40}").replace("host: rev", "host: x"))
    done = CliRunner().invoke(replay, [str(other), *again[1:-1], str(bench.folder / "more")], standalone_mode=False)
    assert done.return_value == 1 and "the recipe says aaaaaaaaaaaa" in done.stdout
    same = CliRunner().invoke(diff, [logs, logs], standalone_mode=False)
    assert (same.return_value, same.stdout) == (0, "nothing differs\n")
    differs = CliRunner().invoke(diff, [logs, str(other)], standalone_mode=False)
    assert differs.return_value == 1 and "host: review.example.org against xiew.example.org" in differs.stdout
