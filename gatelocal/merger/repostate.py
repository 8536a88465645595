"""The frozen state of a project's refs: from a bare cache, and to and from plain data so that a run can be replayed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.merged import RepoState

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def freeze(project: str, references: Mapping[str, str], default_branch: str | None = None) -> RepoState:
    """The state that the refs of a bare cache describe; what is neither branch nor tag is left out."""
    return RepoState(project, _under(_HEADS, references), default_branch, _under(_TAGS, references))


def _under(prefix: str, references: Mapping[str, str]) -> Mapping[str, str]:
    found = {name.removeprefix(prefix): sha for name, sha in references.items() if name.startswith(prefix)}
    return MappingProxyType(found)


def to_data(state: RepoState) -> dict[str, object]:
    """The state as JSON and YAML can hold it."""
    return {
        "project": state.project,
        "default_branch": state.default_branch,
        "branches": dict(state.branches),
        "tags": dict(state.tags),
    }


def from_data(data: Mapping[str, object]) -> RepoState:
    """The state out of :func:`to_data`. :raises ValueError: that is not what this is."""
    project, default = data.get("project"), data.get("default_branch")
    if not isinstance(project, str) or not isinstance(default, str | None):
        raise ValueError("a repository has no project's name")
    return RepoState(project, _refs(data.get("branches"), project), default, _refs(data.get("tags", {}), project))


def _refs(data: object, project: str) -> Mapping[str, str]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{project}: its refs are no mapping of names to ids")
    for name, sha in data.items():
        if not isinstance(name, str) or not isinstance(sha, str) or not _SHA.fullmatch(sha):
            raise ValueError(f"{project}: {name!r} is no ref with a commit id"[:300])
    return MappingProxyType({str(name): str(sha) for name, sha in data.items()})
