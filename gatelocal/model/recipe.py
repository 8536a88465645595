"""All that a run was made from, as values: who has it makes the same commits and trees again; it holds no secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.change import Change
from gatelocal.model.merged import MergedChange, MergedProject, RepoState
from gatelocal.model.record import dataclass, field

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RecipeRepository:
    """One project.

    :ivar url: where it was fetched from, without user and password.
    :ivar state: its refs when the run first looked.
    :ivar whole: whether `state` has all of them; a repository with very many refs keeps those that count.
    :ivar merged: each branch that changes were merged into.
    :ivar bundle: the name of a file beside the recipe with commits that no server has; empty without one.
    """

    project: str
    url: str
    state: RepoState
    whole: bool = True
    merged: tuple[MergedProject, ...] = ()
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class RecipeJob:
    """One job.

    :ivar checkouts: project → the branch or tag that its tree has checked out.
    :ivar definition: the frozen job, by the names of ``gatelocal plan --json``.
    :ivar facts: what later stops of the road know: ``outcome``, ``node``, and whatever else they add.
    """

    name: str
    checkouts: Mapping[str, str]
    definition: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    facts: Mapping[str, object] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One run.

    :ivar host: the server's canonical host name, under which trees lie on a node.
    :ivar change: the change that the run was about.
    :ivar steps: all merges, in their order.
    """

    host: str
    pipeline: str
    change: Change
    steps: tuple[MergedChange, ...]
    repositories: tuple[RecipeRepository, ...]
    jobs: tuple[RecipeJob, ...] = ()
