"""What the gate wants done, as frozen values with stable ids; carrying out the same id twice must change nothing."""

from __future__ import annotations

from gatelocal.model.facts import Ref
from gatelocal.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Prepare:
    """Merge the changes, in this order, on their branches' tips. Answer: Prepared.

    :ivar branches: (project, branch) whose tips the answer tells, beside those of the changes.
    :ivar on: the Prepare action of the item ahead, which has merged all but this item's own changes; 0 for none.
    :ivar own: how many of the changes, from the end, are the item's own.
    :ivar of: the changes, or the branch, whose jobs in the pipeline the answer brings; none for a control.
    """

    id: int
    item: int
    generation: int
    changes: tuple[Ref, ...]
    branches: tuple[tuple[str, str], ...] = ()
    on: int = 0
    own: int = 0
    pipeline: str = ""
    of: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestNode:
    """A node for a job. Answer: NodeAnswer. :ivar run: which of the item's jobs. :ivar preparation: its workspace."""

    id: int
    item: int
    generation: int
    run: int
    job: str
    change: str
    pipeline: str
    preparation: int


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The node of that request is not wanted any more, whether it was there or not."""

    id: int
    request: int


@dataclass(frozen=True, slots=True)
class StartBuild:
    """Run a job on the node of a request and the workspace of a preparation. Answers: BuildDoomed, BuildDone ...

    :ivar preparation: the id of the Prepare action. :ivar attempt: counts the job's builds on it, from 1.
    :ivar last: if this one is lost, the job is not tried again.
    :ivar artifacts: (name, change) of what the job is given of changes ahead.
    """

    id: int
    item: int
    generation: int
    run: int
    job: str
    change: str
    project: str
    pipeline: str
    preparation: int
    request: int
    attempt: int
    last: bool
    voting: bool
    artifacts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CancelBuild:
    """Stop a build; its result is not wanted."""

    id: int
    build: int


@dataclass(frozen=True, slots=True)
class ResumeBuild:
    """Let a paused build end."""

    id: int
    build: int


@dataclass(frozen=True, slots=True)
class KeepNode:
    """Hold the node of a build that has failed."""

    id: int
    build: int
    job: str
    change: str


@dataclass(frozen=True, slots=True)
class Report:
    """A message on a change, with votes on this patchset. :ivar kind: see the scenario format."""

    id: int
    item: int
    ref: Ref
    pipeline: str
    kind: str
    text: str
    votes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Read changes again, with the tips of their branches, before they land. Answer: Looked."""

    id: int
    item: int
    generation: int
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    """Land this patchset. Answer: Submitted. :ivar changes: all that land together with it, in order.

    :ivar batch: the preparation whose builds speak for it and for others; 0 when they are its own. :ivar left: how
        many of that batch are to land after it.
    :ivar late: it is carried out later than it was wanted, or once more: set by the engine. Whoever does so looks
        whether it has landed, and lands nothing any more: what has not is answered ``late``.
    """

    id: int
    item: int
    ref: Ref
    changes: tuple[Ref, ...]
    pipeline: str
    batch: int = 0
    left: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class NoteReuse:
    """For the record: a job has its result from that build of an earlier generation."""

    id: int
    item: int
    ref: Ref
    job: str
    build: int


@dataclass(frozen=True, slots=True)
class ReadServer:
    """Read the server's state. Answer: ServerRead. :ivar changes: those to be told of whatever their state."""

    id: int
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send Woken at that time. A later one takes the place of an earlier one."""

    id: int
    at: float


Action = (
    Prepare
    | RequestNode
    | DropRequest
    | StartBuild
    | CancelBuild
    | ResumeBuild
    | KeepNode
    | Report
    | Look
    | Submit
    | NoteReuse
    | ReadServer
    | WakeAt
)
"""Everything that the engine knows how to have done."""

ANSWERED = (Prepare, RequestNode, StartBuild, Look, Submit, ReadServer)
"""The actions whose answer is an event; they stay in the outbox until it is recorded, or until they are called off."""
