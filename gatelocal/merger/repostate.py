"""The frozen state of a project's branches: from its refs, and to and from plain data so that a run can be replayed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.merged import RepoState

_HEADS = "refs/heads/"


def freeze(project: str, references: Mapping[str, str], default_branch: str | None = None) -> RepoState:
    """The state that the refs of a bare cache describe; what is no branch is left out."""
    branches = {name.removeprefix(_HEADS): sha for name, sha in references.items() if name.startswith(_HEADS)}
    return RepoState(project, MappingProxyType(branches), default_branch)


def to_data(state: RepoState) -> dict[str, object]:
    """The state as JSON can hold it."""
    return {"project": state.project, "branches": dict(state.branches), "default_branch": state.default_branch}


def from_data(data: Mapping[str, object]) -> RepoState:
    """The state out of :func:`to_data`. :raises ValueError: that is not what this is."""
    project, branches, default = data.get("project"), data.get("branches"), data.get("default_branch")
    if not isinstance(project, str) or not isinstance(branches, Mapping) or not isinstance(default, str | None):
        raise ValueError("no repository state")
    return RepoState(project, MappingProxyType({str(name): str(sha) for name, sha in branches.items()}), default)
