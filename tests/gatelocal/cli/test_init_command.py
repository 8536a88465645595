"""`gatelocal init` in real folders, and how `plan` and `run` offer it; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatelocal.cli.main import gatelocal
from gatelocal.errors import InputError, NoJobs
from git_review.git.runner import Runner

MAKE = "check:\n\ttrue\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree with a Makefile, a commit, and a remote; the command is started below it."""
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"GATELOCAL_{name}", str(tmp_path / name.lower()))
    folder = tmp_path / "app"
    (folder / "below").mkdir(parents=True)
    (folder / "Makefile").write_text(MAKE)
    git = Runner(folder, alone=True)
    git.run("init", "-q", "-b", "main", ".")
    git.run("add", "--all")
    git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "files")
    git.run("clone", "-q", "--bare", ".", str(tmp_path / "app.git"))
    git.run("remote", "add", "origin", str(tmp_path / "app.git"))
    git.run("fetch", "-q", "origin")
    monkeypatch.chdir(folder / "below")
    return folder


def said(*words: str) -> Result:
    return CliRunner().invoke(gatelocal, list(words), catch_exceptions=False, standalone_mode=False)


def test_a_file_is_written_at_the_top_and_never_written_over(project: Path) -> None:
    done = said("init")
    text = (project / "gatelocal.yaml").read_text()
    assert "make check" in text
    assert f"{project}/gatelocal.yaml: make-check (from Makefile)" in done.output
    (project / "gatelocal.yaml").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        said("init")
    assert (project / "gatelocal.yaml").read_text() == "mine"
    assert said("init", "--print").output.splitlines() == text.splitlines()


def test_a_link_that_leads_nowhere_is_not_written_through(project: Path) -> None:
    (project / "gatelocal.yaml").symlink_to(project / "elsewhere")
    with pytest.raises(InputError, match="is there already"):
        said("init")
    assert not (project / "elsewhere").exists()


def test_nothing_is_written_beside_zuuls_files_or_from_nothing(project: Path) -> None:
    (project / "Makefile").unlink()
    with pytest.raises(InputError) as caught:
        said("init")
    assert "nothing in" in caught.value.brief and "jobs:" in caught.value.details
    (project / ".zuul.yaml").write_text("")
    with pytest.raises(InputError, match=r"has Zuul's configuration, which counts: .*/\.zuul\.yaml"):
        said("init")
    assert not (project / "gatelocal.yaml").exists()


def test_who_plans_without_configuration_is_offered_it(project: Path) -> None:
    with pytest.raises(NoJobs) as caught:
        said("plan")
    assert "no configuration in commit" in caught.value.brief
    assert "gatelocal init" in caught.value.hint


def test_below_the_top_of_a_work_tree_zuuls_files_are_planned_and_ours_is_told_as_unused(project: Path) -> None:
    said("init")
    git = Runner(project, alone=True)
    (project / ".zuul.yaml").write_text("- job: {name: z, parent: tox}\n- project: {gate: {jobs: [z]}}\n")
    git.run("add", "--all")
    git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "Zuul's")
    both = said("plan").output
    assert "make-check" not in both
    assert "gatelocal.yaml is not used: Zuul's configuration counts" in both
