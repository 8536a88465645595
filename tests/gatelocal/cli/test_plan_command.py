"""`gatelocal plan` on real repositories: the contract's example, a change in a work tree, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatelocal.cli.plan import plan
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer
from tests.gatelocal.cli.plan_world import EXAMPLE, ask, example_in, shown

QUESTIONS = sorted(path.stem for path in (EXAMPLE / "expected").glob("*.json"))
UNORDERED = {"files", "irrelevant_files"}

GATE = "- pipeline: {name: gate, manager: dependent}\n"

Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's repositories and its configuration file."""
    return example_in(tmp_path_factory.mktemp("example"))


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """What the contract says must be there and is not."""
    if path.rpartition("/")[2] in UNORDERED and isinstance(wanted, list):
        return [] if sorted(map(str, wanted)) == sorted(map(str, found)) else [f"{path}: {wanted} / {found}"]
    if isinstance(wanted, Mapping):
        keys = [key for key in wanted if key not in ("reason", "message", "hint")]
        return [
            line
            for key in keys
            for line in (differences(wanted[key], found[key], f"{path}/{key}") if key in found else [f"{path}: {key}"])
        ]
    if isinstance(wanted, list):
        pairs = enumerate(zip(wanted, found, strict=False))
        size = [] if len(wanted) == len(found) else [f"{path}: {len(wanted)} / {len(found)}"]
        return size + [line for place, (one, other) in pairs for line in differences(one, other, f"{path}/{place}")]
    return [] if wanted == found and type(wanted) is type(found) else [f"{path}: {wanted!r} / {found!r}"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_contracts_example(example: Path, question: str) -> None:
    case = json.loads((EXAMPLE / "expected" / f"{question}.json").read_text())
    asked = case["arguments"]
    options = [word for key in ("project", "branch", "pipeline") for word in (f"--{key}", asked[key])]
    status, found = ask("--config", str(example), *options, "--files", ",".join(asked["files"]))
    wanted = case["plan"]
    names = {job["name"] for job in wanted["jobs"]}
    assert all(job["rule"] == "error" for job in found["jobs"] if job["name"] not in names)
    found["jobs"] = [job for job in found["jobs"] if job["name"] in names]
    missing = {one["repository"] for one in wanted.pop("missing")}
    assert missing <= {one["repository"] for one in found["missing"]}
    assert (differences(wanted, found), status) == ([], case["exit_status"])
    assert all(job["rule"] in job["reason"] for job in found["jobs"] if job["rule"] not in ("branch", "no-variant"))


def test_errors_say_where_and_what_to_do(example: Path) -> None:
    status, found = ask("--config", str(example), "--project", "acme/jobs", "--pipeline", "check")
    assert status == 1
    first, second = found["errors"]
    assert (first["project"], first["branch"], first["path"], first["line"]) == (
        "acme/jobs",
        "master",
        "zuul.d/project.yaml",
        2,
    )
    assert "final" in first["message"]
    assert "abstract" in second["message"]
    assert ask("--config", str(example), "--project", "acme/app")[1]["other_errors"] == 1


def test_one_job_alone_and_a_table_for_people(example: Path) -> None:
    _, found = ask("--config", str(example), "--project", "acme/app", "--job", "whitespace")
    assert [job["name"] for job in found["jobs"]] == ["whitespace"]
    args = ["--config", str(example), "--project", "acme/app", "--files", "src/a.py", "--files", "b.py"]
    shown = CliRunner().invoke(plan, args, standalone_mode=False, catch_exceptions=False).stdout
    lines = shown.splitlines()
    assert lines[0] == "acme/app master, pipeline gate, queue product"
    assert lines[2].split() == ["STEP", "JOB", "TIME", "DISK", "NODE"]
    assert all("~" in line for line in lines[3:10]) and "~: a guess by the kind of job" in shown
    steps = [line.split()[0] for line in lines[3:10]]
    assert steps == ["linters", "unit", "unit", "smoke", "rest", "rest", "rest"]
    assert "7 of 9 jobs run" in shown
    assert "acme/constraints: needed for unit-py311" in shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--project", "acme/nothing"], "has no project acme/nothing"),
        (["--project", "acme/app", "--branch", "none"], "has no branch none"),
        (["--project", "acme/app", "--pipeline", "none"], "no pipeline none"),
        (["--project", "acme/app", "--job", "none"], "names no job none"),
        (["--project", "acme/app", "--tenant", "none"], "no tenant none"),
        (["--project", "acme/app", "HEAD"], "--project is for a plan without a change"),
    ],
)
def test_bad_input_is_a_sentence_and_status_2(example: Path, args: list[str], message: str) -> None:
    done = CliRunner().invoke(plan, ["--config", str(example), *args], standalone_mode=False)
    assert message in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 2


def tenant(root: Path, **projects: Mapping[str, str]) -> str:
    """A tenant of `config`, which is trusted, and others; without files, one has no repository. Gives its file."""
    server = GitServer(root / "server")
    for name, files in projects.items():
        if files:
            server.create(name, dict(files), "master")
    listed = ", ".join(name for name in projects if name != "config")
    (root / "config.yaml").write_text(
        "connections: {gerrit: {driver: gerrit, server: review.example.org}}\n"
        f"tenant: {{name: t, source: {{gerrit: {{config-projects: [config], untrusted-projects: [{listed}]}}}}}}\n"
        "repositories: [{path: 'server/{project}.git'}]\n"
    )
    return str(root / "config.yaml")


@pytest.mark.parametrize("options", [[], ["--pipeline", "gate"]])
@pytest.mark.parametrize(
    ("config", "app", "told"),
    [
        ({"zuul.d/a.yaml": GATE, "zuul.d/b.yaml": "- project: {\n"}, {"README": ""}, "zuul.d/b.yaml:2: not YAML"),
        ({"zuul.yaml": GATE}, {}, "app master: its configuration cannot be read: there is no repository"),
    ],
)
def test_no_job_has_its_reason(
    tmp_path: Path, config: Mapping[str, str], app: Mapping[str, str], told: str, options: list[str]
) -> None:
    asked = ["--config", tenant(tmp_path, config=config, app=app), "--project", "app", *options]
    status, found = ask(*asked)
    assert (status, found["jobs"], [one["line"] for one in found["errors"]]) == (1, [], [2 if app else 0])
    assert told in shown(*asked)
    assert ":0" not in shown(*asked)


def test_a_missing_repository_of_a_project_without_a_job_is_told(tmp_path: Path) -> None:
    stanza = GATE + "- project: {name: app, gate: {jobs: []}}\n"
    asked = ["--config", tenant(tmp_path, config={"zuul.yaml": stanza}, app={}), "--project", "app"]
    assert "  app: needed for app (there is no repository" in shown(*asked, "--pipeline", "gate")
    done = CliRunner().invoke(plan, asked, standalone_mode=False)
    assert "app: there is no repository" in getattr(done.exception, "details", "")


def test_what_only_yaml_can_say_is_a_text_in_json(tmp_path: Path) -> None:
    text = "- job: {name: j, run: r, vars: {a: .nan, b: [.inf, -.inf]}}\n- project: {gate: {jobs: [j]}}\n"
    asked = ["--config", tenant(tmp_path, config={"zuul.yaml": GATE}, app={"zuul.yaml": text}), "--project", "app"]
    assert ask(*asked)[1]["jobs"][0]["vars"] == {"a": ".nan", "b": [".inf", "-.inf"]}


def test_names_with_control_characters_stay_apart(tmp_path: Path) -> None:
    files = {f"zuul.d/{name}.yaml": "- job: {name: a, name: b}\n" for name in ("nl", "n\nl", "n\x1b[1ml", "n\u202el")}
    asked = ["--config", tenant(tmp_path, config={"zuul.yaml": GATE}, app=files), "--project", "app"]
    seen = shown(*asked, "--pipeline", "gate")
    for name in ("nl", r"n\nl", r"n\x1b[1ml", r"n\u202el"):
        assert f"zuul.d/{name}.yaml:1: " in seen


CONFIG = (
    "- pipeline: {name: gate, manager: dependent}\n"
    "- job: {name: base, parent: null, run: run.yaml, nodeset: {nodes: [{name: n, label: l}]}}\n"
)
APP = (
    "- job: {name: unit, irrelevant-files: [^doc/], vars: {a: 1}}\n"
    "- job: {name: docs, files: [^doc/], run: playbooks/docs.yaml}\n"
    "- job: {name: deploy, files: [^deploy/], dependencies: [build]}\n"
    "- job: {name: build, files: [^never/]}\n"
    "- project: {gate: {jobs: [unit, docs, build, deploy]}}\n"
)


@pytest.fixture
def work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """A tenant with a config-project and an app; a clone of the app is the current folder. Gives: commit files."""
    server = GitServer(tmp_path / "server")
    server.create("demo/config", {"zuul.yaml": CONFIG}, "master")
    server.create(
        "demo/app", {".zuul.yaml": APP, "a.py": "", ".gitreview": "[gerrit]\nproject=demo/app.git\n"}, "master"
    )
    (tmp_path / "config.yaml").write_text(
        "connections: {gerrit: {driver: gerrit, server: review.example.org}}\n"
        "tenant: {name: t, source: {gerrit: {config-projects: [demo/config], untrusted-projects: [demo/app]}}}\n"
        "repositories: [{path: 'server/{project}.git'}]\n"
    )
    clone = tmp_path / "clone"
    Runner(tmp_path, alone=True).run("clone", "-q", str(server.path("demo/app")), "clone", "-o", "gerrit")
    monkeypatch.chdir(clone)
    git = Runner(clone, alone=True)

    def commit(files: dict[str, str]) -> None:
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        git.run("add", "--all")
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "Subject")

    return commit


def rules(*args: str) -> dict[str, str]:
    return {job["name"]: job["rule"] for job in ask("--config", "../config.yaml", *args)[1]["jobs"]}


def test_a_change_in_the_work_tree_brings_its_own_configuration(work_tree) -> None:
    work_tree({"doc/a.rst": "x"})
    assert rules() == {"unit": "irrelevant-files", "docs": "matches", "build": "files", "deploy": "files"}
    work_tree({".zuul.yaml": APP.replace("a: 1", "a: 2").replace("build, deploy", "build, deploy, new") + NEW})
    assert rules("--files", "doc/x,.zuul.yaml") == {
        "unit": "matches",
        "docs": "matches",
        "build": "files",
        "deploy": "files",
        "new": "config-changed",
    }
    assert rules("--files", "doc/x")["unit"] == "irrelevant-files"


NEW = "- job: {name: new, files: [^never/]}\n"


def test_jobs_that_run_in_spite_of_their_file_matchers(work_tree) -> None:
    work_tree({"deploy/x": "", "playbooks/docs.yaml": "[]"})
    assert rules() == {"unit": "matches", "docs": "config-changed", "build": "needed-by", "deploy": "matches"}
    work_tree({".zuul.yaml": APP.replace("vars: {a: 1}", "vars: {a: 2}"), "doc/b": ""})
    changed = rules("--files", ".zuul.yaml")
    assert (changed["unit"], changed["docs"]) == ("matches", "files")


def test_a_definition_that_the_change_alters_runs(work_tree) -> None:
    work_tree({".zuul.yaml": APP.replace("run: playbooks/docs.yaml", "run: playbooks/docs.yaml, timeout: 5")})
    assert rules() == {"unit": "matches", "docs": "config-changed", "build": "files", "deploy": "files"}


def test_without_a_file_the_projects_own_repository_is_asked(work_tree) -> None:
    work_tree({".zuul.yaml": "- project: {gate: {jobs: [tox-py312, elsewhere]}}\n"})
    status, found = ask()
    assert status == 0
    assert [(job["name"], job["rule"]) for job in found["jobs"]] == [
        ("tox-py312", "matches"),
        ("elsewhere", "undefined"),
    ]
    assert found["jobs"][0]["vars"] == {"tox_envlist": "py312"}
    assert found["jobs"][0]["predicted"]["vm_hours"] == 0.3
    assert "minutes of" not in shown()
