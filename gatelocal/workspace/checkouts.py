"""Which checkouts of repositories a job's playbooks and roles are taken from, beside its trees; nothing is made here.

A playbook is read from the branch whose definition names it; a repository of roles is checked out as the trees are.
What was merged is in both, but for trusted repositories, which are as they have landed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatelocal.model.merged import MergedProject, RepoState
from gatelocal.model.playbooks import Playbooks
from gatelocal.workspace.manifest import Tree, Wanted, tree

ROOT = "ansible"
"""The folder that they lie in, relative to a build's root."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One of them. :ivar project: canonical. :ivar branch: of playbooks; empty for roles."""

    project: str
    branch: str
    tree: Tree


def projects(books: Playbooks, host: str) -> Mapping[str, frozenset[str]]:
    """The projects that are needed, as the merger names them, each with the branches that playbooks are on."""
    found: dict[str, frozenset[str]] = {role.project: frozenset() for role in books.roles}
    for book in books.all():
        found[book.project] = found.get(book.project, frozenset()) | {book.branch}
    return {name.removeprefix(f"{host}/"): branches for name, branches in found.items()}


def checkouts(
    books: Playbooks, wanted: Wanted, states: Mapping[str, RepoState], merged: Sequence[MergedProject]
) -> tuple[Checkout, ...]:
    """All checkouts of a job. :param wanted: what decides the branches of its trees.

    :raises ConfigurationError: a repository has none of the branches that could be checked out.
    """
    trusted = {book.project for book in books.all() if book.trusted}
    trusted |= {role.project for role in books.roles if role.trusted}
    places = [(book.project, book.branch) for book in books.all()] + [(role.project, "") for role in books.roles]
    found = []
    for number, (project, branch) in enumerate(dict.fromkeys(places)):
        short = project.removeprefix(f"{wanted.host}/")
        own = [one for one in merged if one.project == short and project not in trusted]
        how = Wanted(wanted.host, branch) if branch else wanted
        found.append(Checkout(project, branch, tree(how, states[short], own, f"{ROOT}/{number}")))
    return tuple(found)
