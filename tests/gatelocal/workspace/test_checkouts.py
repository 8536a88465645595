"""Which checkouts playbooks and roles are taken from."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.model.change import Change
from gatelocal.model.merged import MergedProject, RepoState
from gatelocal.model.plan import Playbook, Role
from gatelocal.model.playbooks import Playbooks
from gatelocal.workspace.checkouts import checkouts, projects
from gatelocal.workspace.manifest import Wanted

BASE, TOP, OTHER = (digit * 40 for digit in "123")
BOOKS = Playbooks(
    pre=(Playbook("h/lib", "p.yaml", branch="main"),),
    run=(Playbook("h/app", "r.yaml", branch="main"), Playbook("h/app", "s.yaml", branch="main")),
    post=(Playbook("h/app", "r.yaml", branch="stable"),),
    roles=(Role("h/lib", "lib", "lib", True), Role("h/roles", "roles", "roles", False)),
)
STATES = {name: RepoState(name, {"main": BASE, "stable": OTHER}, "main") for name in ("app", "lib", "roles")}


def test_the_projects_with_the_branches_of_their_playbooks() -> None:
    assert projects(BOOKS, "h") == {"lib": {"main"}, "roles": frozenset(), "app": {"main", "stable"}}


def test_playbooks_come_from_their_own_branch_and_roles_as_trees_do() -> None:
    change = Change("app", "main", TOP, "S\n")
    merged = MergedProject("app", "main", BASE, TOP, OTHER, BASE, (change,))
    found = checkouts(BOOKS, Wanted("h", "stable", {"roles": ["main"]}), STATES, [merged])
    assert [(one.project, one.branch, one.tree.branch, one.tree.commit) for one in found] == [
        ("h/lib", "main", "main", BASE),
        ("h/app", "main", "main", TOP),
        ("h/app", "stable", "stable", OTHER),
        ("h/lib", "", "stable", OTHER),
        ("h/roles", "", "main", BASE),
    ]
    assert len({one.tree.path for one in found}) == len(found)
    assert all(one.tree.path.startswith("ansible/") for one in found)


def test_a_branch_that_is_not_there() -> None:
    books = Playbooks(run=(Playbook("h/app", "r.yaml", branch="gone"),))
    with pytest.raises(ConfigurationError, match="none of the branches"):
        checkouts(books, Wanted("h", "main"), {"app": RepoState("app", {"main": BASE})}, [])


def test_what_is_trusted_is_as_it_has_landed() -> None:
    change = Change("app", "main", TOP, "S\n")
    merged = MergedProject("app", "main", BASE, TOP, OTHER, BASE, (change,))
    books = Playbooks(
        run=(Playbook("h/app", "r.yaml", branch="main", trusted=True),),
        roles=(Role("h/app", "app", "app", False, trusted=True), Role("h/lib", "lib", "lib", False)),
    )
    found = checkouts(books, Wanted("h", "main"), STATES, [merged])
    assert [(one.project, one.tree.commit) for one in found] == [("h/app", BASE), ("h/app", BASE), ("h/lib", BASE)]
