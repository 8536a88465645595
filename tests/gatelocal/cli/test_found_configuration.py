"""Configurations that commands find by themselves, runs by their names, and mistyped verbs; git is real."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.main import gatelocal, main
from gatelocal.cli.options import run_folder
from gatelocal.config.directories import Directories
from gatelocal.errors import InputError
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer
from tests.gatelocal.cli.plan_world import ask, shown

pytestmark = pytest.mark.live  # more seconds than the fast suite has

NOVA = """\
- project: {templates: [openstack-python3-jobs], gate: {jobs: [nova-next]}}
- job: {name: nova-next, parent: base, run: p}
"""
REVIEW = "[gerrit]\nhost=review.opendev.org\nport=29418\nproject=openstack/nova.git\n"
FILE = """\
connections: {{gerrit: {{driver: gerrit, server: review.opendev.org, canonical-hostname: opendev.org}}}}
tenant: {{name: mine, source: {{gerrit: {{config-projects: [my/config], untrusted-projects: [{project}, my/jobs]}}}}}}
repositories:
  - path: {folder}/hand/{{project}}.git
"""


@pytest.fixture
def hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """A person's clone of nova from opendev.org, which git's insteadOf turns into a folder of this machine."""
    server = GitServer(tmp_path / "hand")
    server.create("openstack/nova", {".zuul.yaml": NOVA, ".gitreview": REVIEW, "a": "1"}, "master")
    for name in ("CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"GATELOCAL_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.delenv("GATELOCAL_GERRIT", raising=False)
    (tmp_path / "gitconfig").write_text(
        f'[url "{tmp_path}/hand/"]\n  insteadOf = https://opendev.org/\n[user]\n  name = A\n  email = a@b\n'
    )
    Runner(tmp_path).run("clone", "-q", "https://opendev.org/openstack/nova", "nova")
    monkeypatch.chdir(tmp_path / "nova")
    yield server


def jobs(*args: str) -> dict[str, str]:
    return {one["name"]: one["rule"] for one in ask(*args)[1]["jobs"]}


def test_a_fresh_clone_has_its_whole_plan_with_no_file_written(hand: GitServer) -> None:
    found = jobs()
    assert found["nova-next"] == found["openstack-tox-pep8"] == "matches"
    assert "openstack-tox-py38" in found
    assert "without a change, this is what the project gates on" in shown()
    assert jobs("--project", "openstack/nova", "--branch", "master") == found


def test_a_tenant_that_nobody_knows_is_refused(hand: GitServer) -> None:
    assert jobs("--tenant", "openstack") == jobs()
    with pytest.raises(InputError, match="there is no tenant nope here") as refused:
        ask("--tenant", "nope")
    assert "--config FILE" in (refused.value.hint or "")


def test_a_local_commit_is_planned_without_asking_a_gerrit(hand: GitServer, tmp_path: Path) -> None:
    (tmp_path / "nova" / ".zuul.yaml").write_text(NOVA.replace("[nova-next]", "[nova-next, noop]"))
    Runner(tmp_path / "nova").run("commit", "-qam", "More")
    assert jobs()["noop"] == "matches"
    assert "noop" not in jobs("HEAD~1")


def test_the_projects_own_file_comes_first_then_the_users_if_it_lists_the_project(
    hand: GitServer, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    users = tmp_path / "config" / "config.yaml"
    users.write_text(FILE.format(project="some/other", folder=tmp_path))
    assert "openstack-tox-pep8" in jobs()
    users.write_text(FILE.format(project="openstack/nova", folder=tmp_path))
    assert jobs() == {"nova-next": "matches"}
    (tmp_path / "nova" / ".gatelocal").mkdir()
    (tmp_path / "nova" / ".gatelocal" / "plan.yaml").write_text("nonsense: 1\n")
    with pytest.raises(InputError, match=r"plan.yaml: 'nonsense' is no key"):
        ask()
    assert jobs("--config", str(users)) == {"nova-next": "matches"}


@pytest.mark.parametrize("command", ["run", "workspace", "replay", "plan"])
def test_the_commands_take_the_same_configuration(hand: GitServer, command: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(gatelocal, [command, "--help"]).output
    assert "--config" in told and "--tenant" in told


def test_run_reads_the_whole_tenant(
    hand: GitServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gatelocal", "run", "--node", "local", "--job", "nova-next"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().out
    assert ended.value.code == 7
    assert "- nova-next : not run: its roles lie in opendev.org/zuul/zuul-jobs, which is not here" in told
    assert "other jobs of the gate pipeline not asked for" in told


def test_a_workspace_lies_under_the_canonical_name(hand: GitServer, tmp_path: Path) -> None:
    target = tmp_path / "desk"
    done = CliRunner().invoke(
        gatelocal, ["workspace", str(target), "HEAD", "--layout", "zuul"], standalone_mode=False, catch_exceptions=False
    )
    assert f"{target}/src/opendev.org/openstack/nova" in done.output


def test_a_run_by_its_name(tmp_path: Path) -> None:
    folders = Directories(tmp_path / "cache", tmp_path)
    for name in ("last", "20260101"):
        with pytest.raises(InputError) as caught:
            run_folder(Path(name), folders)
        assert caught.value.hint == "make one with `gatelocal run`" and str(folders.runs) in caught.value.details
    for name in ("20260101-000000-aaaaaa", "20260101-000000-bbbbbb", "20260102-000000-cccccc"):
        (folders.runs / name).mkdir(parents=True)
    assert run_folder(Path("last"), folders).name == "20260102-000000-cccccc"
    assert run_folder(Path("20260101-000000-b"), folders).name == "20260101-000000-bbbbbb"
    assert run_folder(tmp_path, folders) == tmp_path
    for name, said in (("20260101", "means 2 runs"), ("nothing", "neither a file nor a run nothing")):
        with pytest.raises(InputError, match=said):
            run_folder(Path(name), folders)


@pytest.mark.parametrize(("typed", "meant"), [(["plna"], "plan"), (["sandbox", "stauts"], "status")])
def test_a_mistyped_verb(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(gatelocal, typed)
    assert done.exit_code == 2 and f"Did you mean '{meant}'?" in done.output
