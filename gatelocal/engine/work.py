"""What the rooms are asked to do in one run, as values: which tools there are, and each build before it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine.place import Place
from gatelocal.engine.tenancy import Tenancy
from gatelocal.errors import GateError
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph
from gatelocal.model.merged import RepoState, SpeculativeState
from gatelocal.model.recipe import Recipe
from gatelocal.ports import Executor, Launcher, Say
from gatelocal.workspace.manifest import Tree


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with.

    :ivar executor: makes an executor that says a build's lines to whom it is given.
    :ivar output: receives each line that a build prints.
    :ivar place: the server, under whose host name the trees lie on a node.
    :ivar work: an empty folder for source trees, on the file system of the caches; removed by its owner.
    :ivar logs: an empty folder that receives the recipe and one folder for each build.
    :ivar width: how many builds, with their nodes, there may be at the same time.
    :ivar tenancy: the tenant that the project belongs to, whose configuration is kept in the `directories`; None: the
        project's own repository says it all.
    """

    merger: Merger
    launcher: Launcher
    executor: Callable[[Say], Executor]
    say: Say
    output: Say
    place: Place
    work: Path
    logs: Path
    width: int = 1
    tenancy: Tenancy | None = None
    directories: Directories | None = None


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
    """

    title: str
    job: Job
    project: str
    trees: tuple[Tree, ...] = ()


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
