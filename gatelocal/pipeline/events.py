"""What can happen, as frozen values: each carries the time that the engine stamped on it; nothing is decided here."""

from __future__ import annotations

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Graph, Layout
from gatelocal.model.record import dataclass


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """The review server tells of a change.

    :ivar kind: ``patchset-created comment-added change-abandoned change-restored change-merged wip-state-changed``.
    :ivar ref: the patchset that the event is about, which may be an old one.
    :ivar facts: the change as it is now.
    :ivar related: what it needs and what needs it, directly or not, as it is now.
    :ivar approvals: the votes that the event brings.
    :ivar tip: for a landing, where the branch is now, when the server tells it (Gerrit: ``newRev``).
    """

    at: float
    kind: str
    ref: Ref
    facts: Facts
    related: tuple[Facts, ...] = ()
    approvals: tuple[tuple[str, int], ...] = ()
    comment: str = ""
    by: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class RefUpdated:
    """A branch has moved.

    :ivar facts: the branch's new state; its patchset counts the movements, its files are those that changed.
    :ivar tip: the new tip's name. :ivar ours: whether a submit of this gate moved it.
    """

    at: float
    facts: Facts
    tip: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to Prepare: merged, and with the configuration of the merged tree frozen.

    :ivar conflicts: with what the merge failed; empty when it did not.
    :ivar bases: (project, branch, tip) that it was made on.
    :ivar graphs: the jobs of each change of the item, in the order of its changes; there even when it does not merge.
    """

    at: float
    action: int
    item: int
    generation: int
    merged: bool
    conflicts: tuple[str, ...] = ()
    bases: tuple[tuple[str, str, str], ...] = ()
    graphs: tuple[Graph, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """The launcher's answer. :ivar ready: False when no node is to be had."""

    at: float
    action: int
    item: int
    generation: int
    run: int
    ready: bool


@dataclass(frozen=True, slots=True)
class NodeWaits:
    """The launcher says that a request has to wait; its answer follows later."""

    at: float
    action: int
    item: int
    generation: int
    run: int


@dataclass(frozen=True, slots=True)
class BuildDoomed:
    """A running build says that it will fail."""

    at: float
    build: int
    item: int
    generation: int
    run: int


@dataclass(frozen=True, slots=True)
class BuildPaused:
    """A build has ended its main part and stays up for its children."""

    at: float
    build: int
    item: int
    generation: int
    run: int
    artifacts: tuple[str, ...] = ()
    children: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BuildDone:
    """A build has ended.

    :ivar result: ``SUCCESS FAILURE POST_FAILURE TIMED_OUT LOST STOPPED``.
    :ivar children: the child jobs that it asks for; None when it does not choose.
    """

    at: float
    build: int
    item: int
    generation: int
    run: int
    result: str
    artifacts: tuple[str, ...] = ()
    children: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """The server's answer to a look before landing. :ivar tips: (project, branch, tip) of the item's branches."""

    at: float
    action: int
    item: int
    generation: int
    facts: tuple[Facts, ...]
    tips: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """The server's answer to a submit.

    :ivar answer: ``ok refused forbidden merged late``; the last means that nothing has landed, and that what the gate
        knew when it wanted that may not be so any more.
    :ivar before: the tip that it landed on. :ivar tip: the new one.
    """

    at: float
    action: int
    item: int
    ref: Ref
    answer: str
    reason: str = ""
    before: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """An operator puts a change into a pipeline, whatever its requirements say."""

    at: float
    pipeline: str
    facts: Facts
    related: tuple[Facts, ...] = ()


@dataclass(frozen=True, slots=True)
class Dequeue:
    """An operator takes a change out. :ivar pipeline: empty for every pipeline that has it."""

    at: float
    change: str
    pipeline: str = ""


@dataclass(frozen=True, slots=True)
class Promote:
    """An operator moves changes to the head of their queues."""

    at: float
    changes: tuple[str, ...]
    pipeline: str = ""


@dataclass(frozen=True, slots=True)
class PauseQueue:
    """An operator stops a queue, or lets it go on."""

    at: float
    queue: str
    paused: bool


@dataclass(frozen=True, slots=True)
class HoldNodes:
    """An operator asks for the nodes of the next failing builds. :ivar change: empty for any."""

    at: float
    project: str
    job: str
    change: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The layout was read again."""

    at: float
    layout: Layout


@dataclass(frozen=True, slots=True)
class Started:
    """The engine has come up, for the first time or after a gap."""

    at: float


@dataclass(frozen=True, slots=True)
class ServerRead:
    """The server's state: all open changes with an approval, and those that the gate asked for."""

    at: float
    action: int
    facts: tuple[Facts, ...]
    tips: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Woken:
    """The time that the gate asked to be woken at has come."""

    at: float


Event = (
    ChangeEvent
    | RefUpdated
    | Prepared
    | NodeAnswer
    | NodeWaits
    | BuildDoomed
    | BuildPaused
    | BuildDone
    | Looked
    | Submitted
    | Enqueue
    | Dequeue
    | Promote
    | PauseQueue
    | HoldNodes
    | Reloaded
    | Started
    | ServerRead
    | Woken
)
"""Everything that :func:`gatelocal.pipeline.decide.decide` understands."""
