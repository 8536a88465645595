"""What the rooms are asked to do in one run, as values: which tools there are, and each build before it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gatelocal.builds.following import Life
from gatelocal.config.directories import Directories
from gatelocal.engine.place import Place
from gatelocal.engine.tenancy import Tenancy
from gatelocal.errors import GateError
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change
from gatelocal.model.happening import Progress, Watch
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph
from gatelocal.model.merged import RepoState, SpeculativeState
from gatelocal.model.playbooks import Item
from gatelocal.model.recipe import Recipe
from gatelocal.workspace.checkouts import Checkout
from gatelocal.workspace.manifest import Tree


class Builder(Protocol):
    """Starts what does a build's work."""

    def open(self) -> None:
        """Make ready, without waiting for it."""

    def start(self, folder: Path) -> Life:
        """Have done what the order in a build's folder says. :raises InfrastructureError: nothing can be started."""

    def close(self) -> None:
        """Start no more; what was started goes on."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with.

    :ivar builder: starts what does a build's work.
    :ivar kind: on which nodes: ``auto``, ``qemu``, ``nspawn``, ``static``, ``openstack`` or ``local``.
    :ivar watch: is told all that happens.
    :ivar place: the server, under whose host name the trees lie on a node.
    :ivar logs: a folder that receives the recipe and one folder for each build.
    :ivar width: how many builds, with their nodes, there may be at the same time.
    :ivar weigh: for how many of them a job counts.
    :ivar fingerprints: folders of fingerprints of known bugs.
    :ivar tenancy: the tenant that the project belongs to; None: the project's own repository says it all.
    """

    merger: Merger
    builder: Builder
    kind: str
    watch: Watch
    place: Place
    logs: Path
    directories: Directories
    width: int = 1
    weigh: Callable[[Job], int] = lambda job: 1
    tenancy: Tenancy | None = None
    fingerprints: tuple[Path, ...] = ()

    def say(self, text: str) -> None:
        """Tell what a slow step does that is part of no build."""
        self.watch(Progress(text=text))


@dataclass(frozen=True, slots=True)
class Merged:
    """What was merged.

    :ivar changes: in merge order. :ivar own: how many at the end are the item's own.
    :ivar states: the state of projects that nothing was merged into, where it is settled already.
    """

    state: SpeculativeState
    changes: tuple[Change, ...] = ()
    own: int = 0
    states: Mapping[str, RepoState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """One build, before it has a node.

    :ivar title: what it is called, and its folder: the job's name, with the project's where two changes of an item have
        a job of that name. :ivar project: the project of its change, whose tree it starts in.
    :ivar checkouts: what its playbooks and roles are taken from. :ivar item: what they are told of the change.
    """

    title: str
    job: Job
    project: str
    trees: tuple[Tree, ...] = ()
    checkouts: tuple[Checkout, ...] = ()
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """All that is known of an item before its first build.

    :ivar graphs: what the gate is told. :ivar works: (change, job) → the build; of jobs that run.
    :ivar lacking: (change, job) → why the build cannot have its trees.
    """

    merged: Merged
    pipeline: str
    graphs: tuple[Graph, ...]
    works: Mapping[tuple[str, str], Work]
    lacking: Mapping[tuple[str, str], GateError]
    recipe: Recipe
    not_run: tuple[Job, ...] = ()
    notes: tuple[str, ...] = ()
    unasked: int = 0
    semaphores: Mapping[str, int] = field(default_factory=dict)
