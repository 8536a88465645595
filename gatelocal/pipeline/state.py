"""All that the gate remembers, as frozen values: queues, items, the runs of their jobs; behaviour is elsewhere."""

from __future__ import annotations

from enum import Enum

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import JobSpec, Layout
from gatelocal.model.record import dataclass, field
from gatelocal.model.table import Line, Table
from gatelocal.pipeline.policies import CLASSIC, Policy

QueueKey = tuple[str, str]
"""Pipeline and queue name."""

Tip = tuple[str, str, str]
"""Project, branch, and where that is."""


class Phase(Enum):
    """Where the run of a job stands.

    PREPARING is for a control build whose workspace is on its way; SHORT for a node request of which the launcher has
    said that it has to wait; DOUBT for a red result that does not count yet.
    """

    PREPARING = "preparing"
    IDLE = "idle"
    NODE = "node"
    SHORT = "short"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    RESUMED = "resumed"
    DOUBT = "doubt"
    DONE = "done"


class Stage(Enum):
    """Where an item stands.

    WAITING has no preparation, PARKED waits for the end of a failing change that it needs, REPORTING has landed or been
    reported and has reporter jobs.
    """

    WAITING = "waiting"
    PARKED = "parked"
    PREPARING = "preparing"
    CONFLICT = "conflict"
    BROKEN = "broken"
    TESTED = "tested"
    LOOKING = "looking"
    LANDING = "landing"
    REPORTING = "reporting"


GREEN = ("SUCCESS", "SKIPPED")


@dataclass(frozen=True, slots=True)
class JobRun:
    """One job of an item in one generation.

    :ivar result: final; empty before. :ivar request: the node request that stands, 0 for none.
    :ivar build: the latest build. :ivar builds: how many were started on this preparation. :ivar lost: how many of
        them were lost with their node. :ivar doomed: it has said that it will fail.
    :ivar children: the child jobs that it selects; None when it does not choose.
    :ivar first: the red result that is being confirmed. :ivar unproved: it was taken over in the middle of that, and a
        control of the trunk has ended with its former generation.
    :ivar control_of: for a control build on the bare trunk, the run whose failure it judges; -1 for an ordinary run.
    :ivar preparation: of a control build; 0: the item's own.
    :ivar reused: the build whose result was taken over; 0 for none.
    :ivar others: the other members of a cycle that share the job.
    """

    job: JobSpec
    ref: Ref
    phase: Phase = Phase.IDLE
    result: str = ""
    request: int = 0
    build: int = 0
    builds: int = 0
    lost: int = 0
    doomed: bool = False
    holding: bool = False
    artifacts: tuple[str, ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] | None = None
    reason: str = ""
    first: str = ""
    unproved: bool = False
    control_of: int = -1
    preparation: int = 0
    reused: int = 0
    others: tuple[Ref, ...] = ()

    @property
    def refs(self) -> tuple[Ref, ...]:
        """All changes that it is the job of."""
        return (self.ref, *self.others)

    @property
    def red(self) -> bool:
        """Whether it speaks against the item, now or soon."""
        bad = self.doomed or (self.phase is Phase.DONE and self.result not in GREEN)
        return bad and self.control_of < 0 and self.job.voting


@dataclass(frozen=True, slots=True)
class Kept:
    """A run of an earlier generation, and what it was made on: the tips of its branches and the changes on them.

    :ivar after: the latest landing of its queue that it knew of: what had landed when that generation ended was a part
        of it, or nothing that its job reads.
    """

    run: JobRun
    bases: tuple[Tip, ...]
    content: tuple[Ref, ...]
    after: Tip = ("", "", "")


@dataclass(frozen=True, slots=True)
class Item:
    """A queue item: what is tested and lands together.

    :ivar changes: in merge order. :ivar live: False for what is only merged underneath.
    :ivar needs: changes that are not its own and must land first.
    :ivar ahead: the item that this generation is built on, 0 for the branch itself; with that one's generation.
    :ivar preparation: the id of the Prepare action of this generation. :ivar content: what is merged in it, in order;
        of a waiting one what was, when it begins anew on the same ground and those built on it stay so.
    :ivar fail_fast: one failed job ends the others.
    :ivar reporters: those that run when it has been reported, until they may start.
    :ivar failing: it will not land as it is. :ivar blocks: what is built on it may not start jobs yet.
    :ivar started: its start was reported. :ivar asked: the latest question to the server before it lands.
    :ivar submitted: how many members have been submitted.
    :ivar kept: results of earlier generations. :ivar going: builds of earlier generations that still run, until it is
        prepared and known whether they are of use.
    :ivar cause: the change whose event brought it in. :ivar by_hand: a member has been landed by somebody else.
    :ivar batch: the items that are tested together with it, in order, itself included; the last one's builds speak for
        all; empty when it is tested by itself; those that have landed are still named.
    :ivar suspicion: jobs whose failure restarted it, to be built first.
    :ivar outrun: what it was tested on is not so any more since its submit was wanted.
    """

    id: int
    pipeline: str
    queue: str
    changes: tuple[Ref, ...]
    live: bool = True
    entered: float = 0.0
    needs: tuple[str, ...] = ()
    generation: int = 1
    stage: Stage = Stage.WAITING
    ahead: int = 0
    ahead_generation: int = 0
    preparation: int = 0
    content: tuple[Ref, ...] = ()
    bases: tuple[tuple[str, str, str], ...] = ()
    fail_fast: bool = False
    runs: tuple[JobRun, ...] = ()
    reporters: tuple[JobRun, ...] = ()
    conflicts: tuple[str, ...] = ()
    problem: str = ""
    failing: bool = False
    blocks: bool = False
    started: bool = False
    asked: int = 0
    submitted: int = 0
    kept: tuple[Kept, ...] = ()
    going: tuple[Kept, ...] = ()
    told: tuple[str, ...] = ()
    cause: str = ""
    by_hand: bool = False
    batch: tuple[int, ...] = ()
    suspicion: tuple[str, ...] = ()
    outrun: bool = False

    @property
    def key(self) -> QueueKey:
        """Its queue."""
        return (self.pipeline, self.queue)

    @property
    def is_new(self) -> bool:
        """Whether nothing is prepared for it, nor is anybody built on what was and will be again."""
        return self.stage is Stage.WAITING and not self.content

    @property
    def settled(self) -> bool:
        """Whether what becomes of it cannot be changed any more."""
        return self.stage in (Stage.LANDING, Stage.REPORTING)

    @property
    def has_landed(self) -> bool:
        """Whether all its members have been submitted."""
        return self.submitted == len(self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its changes."""
        changes = self.changes
        return (changes[0].change,) if len(changes) == 1 else tuple(ref.change for ref in changes)


@dataclass(frozen=True, slots=True)
class Queue:
    """A change queue.

    :ivar name: unique in its pipeline. :ivar label: how people call it; several of an independent pipeline share one.
    :ivar line: the items, in order. :ivar active: how many, from the head, have had their turn to be prepared.
    :ivar dynamic: it goes when its last item goes. :ivar anew: all is tested again when it is resumed.
    :ivar beside: names of the queues whose items are tested or land beside this one.
    :ivar suspects: items of which one at least is bad; the first half of them is tested, those behind wait.
    :ivar reporting: the item whose reporter jobs run, and that all others wait for; 0 for none.
    :ivar landed: what the latest landing out of it, or beside it, has made of a branch (the switch ``reuse``).
    """

    pipeline: str
    name: str
    label: str
    line: Line = field(default_factory=Line)
    window: int = 0
    active: int = 0
    paused: bool = False
    dynamic: bool = False
    anew: bool = False
    beside: tuple[str, ...] = ()
    suspects: tuple[int, ...] = ()
    reporting: int = 0
    landed: Tip | None = None

    @property
    def latest(self) -> Tip:
        """Its latest landing; a mark of its own, which is no tip, when there was none."""
        return self.landed or (self.pipeline, self.name, "")

    @property
    def probe(self) -> int:
        """The last of the suspects that are tested together; only when there are any."""
        return self.suspects[len(self.suspects) // 2 - 1]

    @property
    def key(self) -> QueueKey:
        """Pipeline and name."""
        return (self.pipeline, self.name)


@dataclass(frozen=True, slots=True)
class Semaphore:
    """Who holds a semaphore and who waits for it: (item, run)."""

    holders: tuple[tuple[int, int], ...] = ()
    waiting: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Autohold:
    """An operator's wish for the nodes of the next failing builds."""

    project: str
    job: str
    change: str
    count: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a change is where it is, as data. :ivar code: one of those that texts.py has a sentence for."""

    code: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What one movement of a branch added.

    :ivar ref: the change that landed; None for a push past the gate. :ivar earlier: the landing before it in its queue.
    """

    before: str
    ref: Ref | None
    files: tuple[str, ...]
    earlier: Tip | None = None


@dataclass(frozen=True, slots=True)
class Provided:
    """What a job of an item that has gone provided, for those that have its change underneath."""

    job: str
    provides: frozenset[str]
    result: str
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The gate between two events.

    :ivar now: the time of the latest event, in seconds. :ivar counter: the last id given to an item or action.
    :ivar changes: what is known of each change. :ivar where: change → items that hold it.
    :ivar needed: change → items that need it. :ivar last: why a change is not in the queue.
    :ivar tips: (project, branch) → the tip as the gate knows it. :ivar served: change → the approval it entered by.
    :ivar glimpsed: those of the tips that nobody has told of: a workspace was made on them, and what was prepared
        before may have been on others.
    :ivar told: change → what its author has been told already. :ivar proved: (project, branch, job) → the tip that the
        job is known to be green on. :ivar trail: (project, branch, tip) → what that tip added to the one before.
    :ivar provided: (pipeline, patchset) → what its jobs provided when it was last there.
    :ivar wake: when the gate wants to be woken, 0 for never.
    """

    layout: Layout
    policy: Policy = CLASSIC
    now: float = 0.0
    counter: int = 0
    changes: Table[str, Facts] = field(default_factory=Table)
    items: Table[int, Item] = field(default_factory=Table)
    where: Table[str, tuple[int, ...]] = field(default_factory=Table)
    needed: Table[str, tuple[int, ...]] = field(default_factory=Table)
    queues: Table[QueueKey, Queue] = field(default_factory=Table)
    semaphores: Table[str, Semaphore] = field(default_factory=Table)
    last: Table[str, Reason] = field(default_factory=Table)
    tips: Table[tuple[str, str], str] = field(default_factory=Table)
    glimpsed: Table[tuple[str, str], str] = field(default_factory=Table)
    served: Table[str, tuple[int, int]] = field(default_factory=Table)
    told: Table[str, tuple[str, ...]] = field(default_factory=Table)
    proved: Table[tuple[str, str, str], str] = field(default_factory=Table)
    trail: Table[tuple[str, str, str], Step] = field(default_factory=Table)
    provided: Table[tuple[str, Ref], tuple[Provided, ...]] = field(default_factory=Table)
    holds: tuple[Autohold, ...] = ()
    wake: float = 0.0
