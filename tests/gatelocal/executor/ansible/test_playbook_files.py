"""Playbooks and roles as files: where Zuul looks for them, and what a repository may not bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.executor.ansible.checkouts import Checkouts, playbook, roles
from gatelocal.model.plan import Playbook, Role

BOOK = Playbook("h/own", "playbooks/run.yaml", branch="master")


def made(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def found(tmp_path: Path, *files: str) -> Checkouts:
    return Checkouts({("h/own", "master"): made(tmp_path / "own", "playbooks/run.yaml", *files)}, {})


def test_a_playbook_is_a_file_of_its_repository(tmp_path: Path) -> None:
    place = found(tmp_path, "old.yaml")
    assert playbook(place, BOOK) == tmp_path / "own/playbooks/run.yaml"
    assert playbook(place, Playbook("h/own", "old", branch="master")) == tmp_path / "own/old.yaml"
    made(tmp_path, "outside.yaml")
    (tmp_path / "own/link.yaml").symlink_to(tmp_path / "outside.yaml")
    for path in ("missing.yaml", "../outside.yaml", "link.yaml", "playbooks"):
        with pytest.raises(ConfigurationError, match="there is no playbook"):
            playbook(place, Playbook("h/own", path, branch="master"))


@pytest.mark.parametrize(
    "code",
    [
        "playbooks/filter_plugins/a.py",
        "playbooks/action_plugins/a.py",
        "playbooks/own/connection_plugins/a.py",
        "playbooks/roles/r/lookup_plugins/a.py",
        "playbooks/collections/ansible_collections/a/b/plugins/action/c.py",
    ],
)
def test_code_beside_a_playbook_is_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(ConfigurationError, match="would run on this machine"):
        playbook(found(tmp_path, code), BOOK)


def test_modules_run_on_the_node_and_are_taken(tmp_path: Path) -> None:
    assert playbook(found(tmp_path, "playbooks/library/a.py", "playbooks/roles/r/library/b.py"), BOOK)


def role(project: str, *, explicit: bool = False, name: str = "the-role") -> Role:
    return Role(project, project.removeprefix("h/"), name, explicit)


def test_a_repository_has_roles_or_is_one_and_the_first_comes_first(tmp_path: Path) -> None:
    place = Checkouts(
        {("h/own", "master"): made(tmp_path / "own", "playbooks/run.yaml", "roles/a/tasks/main.yaml")},
        {
            "h/own": made(tmp_path / "other-branch", "roles/b/tasks/main.yaml"),
            "h/bare": made(tmp_path / "bare", "tasks/main.yaml"),
            "h/none": made(tmp_path / "none", "README"),
        },
    )
    wanted = [role("h/bare"), role("h/own"), role("h/none"), role("h/nowhere")]
    bare, own = roles(place, BOOK, wanted, tmp_path / "into")
    assert (bare / "the-role/tasks/main.yaml").exists()
    assert own == tmp_path / "own/roles", "the playbook's own repository is that of the playbook's branch"
    (elsewhere,) = roles(place, Playbook("h/x", "run.yaml", branch="m"), [role("h/own")], tmp_path / "into")
    assert elsewhere == tmp_path / "other-branch/roles"
    with pytest.raises(ConfigurationError, match="takes roles from none"):
        roles(place, BOOK, [role("h/none", explicit=True)], tmp_path / "into")


@pytest.mark.parametrize(
    "code", ["tasks/main.yaml filter_plugins/a.py", "roles/r/vars_plugins/a.py", "roles/test_plugins/a"]
)
def test_code_in_roles_is_refused(tmp_path: Path, code: str) -> None:
    place = Checkouts({}, {"h/own": made(tmp_path / "own", *code.split())})
    with pytest.raises(ConfigurationError, match="would run on this machine"):
        roles(place, BOOK, [role("h/own")], tmp_path / "into")
