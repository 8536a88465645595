"""The validated configuration that pipelines run with, as frozen values; parsing is done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gatelocal.model.facts import Ref
from gatelocal.model.pattern import Pattern
from gatelocal.model.record import dataclass, field


class Manager(Enum):
    """The queueing policies of a pipeline; the words are Zuul's."""

    DEPENDENT = "dependent"
    INDEPENDENT = "independent"
    SERIAL = "serial"
    SUPERCEDENT = "supercedent"


@dataclass(frozen=True, slots=True)
class Approval:
    """A vote that is asked for.

    :ivar labels: label → values, all of which one vote each must have; without labels any vote does.
    :ivar older_than: seconds that it must have stood; None without such a limit.
    :ivar newer_than: seconds that it must not have stood longer than.
    """

    labels: tuple[tuple[str, tuple[int, ...]], ...] = ()
    username: Pattern | None = None
    older_than: float | None = None
    newer_than: float | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a change must be (or, as a rejection, must not be) to enter a pipeline; None: it does not matter.

    :ivar unknown: what is asked for cannot be looked at here, with the reason: nobody meets it, and all are rejected.
    """

    open: bool | None = None
    current_patchset: bool | None = None
    wip: bool | None = None
    status: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that puts a change, or a branch, into a pipeline; empty fields match everything."""

    events: tuple[str, ...]
    approvals: tuple[tuple[str, int], ...] = ()
    comments: tuple[Pattern, ...] = ()
    branches: tuple[Pattern, ...] = ()
    refs: tuple[Pattern, ...] = ()
    usernames: tuple[Pattern, ...] = ()
    require: tuple[Approval, ...] = ()
    reject: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """One reporter of a pipeline: the votes that it casts, and whether it lands the change."""

    votes: tuple[tuple[str, int], ...] = ()
    submit: bool = False
    comment: bool = True


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How many items of a queue may be tested at once. Zuul: ``window`` and its relatives.

    :ivar size: at the beginning; 0 without a limit.
    :ivar ceiling: None without one.
    :ivar increase: what is added (linear) or multiplied by (exponential) when an item has landed.
    """

    size: int = 20
    floor: int = 3
    ceiling: int | None = None
    increase: int = 1
    increase_exponential: bool = False
    decrease: int = 2
    decrease_exponential: bool = True


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A named workflow.

    :ivar precedence: 0 for high, 1 for normal, 2 for low.
    :ivar voices: kind of report (``start success failure conflict config no-jobs dequeue enqueue``) → what is said;
        None: nothing is.
    """

    name: str
    manager: Manager
    precedence: int = 1
    triggers: tuple[Trigger, ...] = ()
    require: Requirement = field(default_factory=Requirement)
    reject: Requirement | None = None
    voices: Mapping[str, Voice] = field(default_factory=dict)
    window: WindowRule = field(default_factory=WindowRule)
    supercedes: tuple[str, ...] = ()
    dequeue_on_new_patchset: bool = True
    ignore_dependencies: bool = False

    @property
    def own_labels(self) -> frozenset[str]:
        """The labels that its success sets, which need not be there to enter it."""
        voice = self.voices.get("success")
        return frozenset(label for label, _ in voice.votes) if voice else frozenset()

    @property
    def lands(self) -> bool:
        """Whether it submits what has succeeded."""
        voice = self.voices.get("success")
        return voice is not None and voice.submit


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A change queue that projects may share.

    :ivar per_branch: one for each branch. :ivar assigned: only for the branches of the project stanzas that name it.
    """

    name: str
    per_branch: bool = False
    assigned: bool = False
    cycles: bool = False


NOOP = "noop"
"""Zuul's built-in job that succeeds without a build."""


class JobKind(Enum):
    """Zuul's ``type`` of a job: an initializer comes before all others, a reporter after the item was reported."""

    REGULAR = "regular"
    INITIALIZER = "initializer"
    REPORTER = "reporter"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job of an item, frozen.

    :ivar dependencies: names of jobs that come first, with whether the dependency is soft.
    :ivar files: which paths are its inputs; none: all. :ivar irrelevant: paths that never are.
    :ivar late_semaphores: those that are taken when the nodes are there (Zuul: ``resources-first``).
    :ivar deduplicate: None for Zuul's ``auto``.
    """

    name: str
    voting: bool = True
    dependencies: tuple[tuple[str, bool], ...] = ()
    hold_following: bool = False
    attempts: int = 3
    semaphores: tuple[str, ...] = ()
    late_semaphores: frozenset[str] = frozenset()
    provides: frozenset[str] = frozenset()
    requires: frozenset[str] = frozenset()
    required_projects: tuple[str, ...] = ()
    files: tuple[Pattern, ...] = ()
    irrelevant: tuple[Pattern, ...] = ()
    deduplicate: bool | None = None
    kind: JobKind = JobKind.REGULAR

    @property
    def first_semaphores(self) -> tuple[str, ...]:
        """Those that are taken before nodes are requested."""
        if not self.late_semaphores:
            return self.semaphores
        return tuple(name for name in self.semaphores if name not in self.late_semaphores)


@dataclass(frozen=True, slots=True)
class Graph:
    """The jobs of one change in one pipeline, frozen; whoever prepares an item makes it.

    :ivar ref: the change, or the branch. :ivar fail_fast: whether one failure ends the others; None: nothing is said.
    :ivar problem: why there are no jobs although there should be: what is wrong with the configuration.
    """

    ref: Ref
    jobs: tuple[JobSpec, ...] = ()
    fail_fast: bool | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BranchQueue:
    """A queue that is assigned to branches of a project. :ivar branches: which; none: all."""

    branches: tuple[Pattern, ...]
    queue: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project's place in the layout.

    :ivar pipelines: those that it is in, on whatever branch. :ivar queue: its queue where none is assigned to the
        branch; None: one of its own. :ivar assigned: the others.
    """

    name: str
    pipelines: frozenset[str] = frozenset()
    queue: str | None = None
    assigned: tuple[BranchQueue, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What pipelines run with; jobs are frozen elsewhere. Compared by identity: one that is read again is another one.

    :ivar semaphores: name → how many may hold it; a name that is not here may be held once.
    """

    pipelines: Mapping[str, Pipeline]
    projects: Mapping[str, Project]
    queues: Mapping[str, QueueSpec]
    semaphores: Mapping[str, int]
