"""The hands of a gate on this machine: an action → what is done about it; whatever takes long answers by an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from gatelocal.engine.keeper import Keeper, Kept
from gatelocal.engine.loop import Inbox
from gatelocal.engine.preparing import Preparing
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.seats import Seats
from gatelocal.engine.work import Preparation, Tools
from gatelocal.errors import ConflictError, GateError, InfrastructureError
from gatelocal.model.happening import JobsKnown
from gatelocal.model.hold import Keep
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph, Layout
from gatelocal.pipeline.actions import (
    Action,
    CancelBuild,
    DropRequest,
    KeepNode,
    Look,
    NoteReuse,
    Prepare,
    ReadServer,
    Report,
    RequestNode,
    ResumeBuild,
    StartBuild,
    Submit,
    WakeAt,
)
from gatelocal.pipeline.events import Event, Looked, Prepared, Reloaded, ServerRead, Submitted

Make = Callable[[Prepare], Preparation]
"""Merges, and finds out what is to run."""
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """What the hands of one line work for.

    :ivar make: called in a thread of its own. :ivar layout: what the gate runs with, once semaphores are known.
    :ivar folder: where all is kept that must outlive the process. :ivar keep: which node is kept.
    :ivar limit: seconds after which a preparation is given up.
    """

    make: Make
    layout: Callable[[Preparation], Layout]
    folder: RunFolder
    keep: Keep = field(default_factory=Keep)
    limit: float = 2 * _HOUR


class LocalHands:
    """See :class:`gatelocal.ports.Hands`. Nothing is landed and nobody is told.

    :ivar failed: why the item could not be prepared. :ivar kept: what its builds have left.
    """

    def __init__(self, tools: Tools, inbox: Inbox, line: Line) -> None:
        self._inbox = inbox
        self._watch, self._width = tools.watch, tools.width
        self._line = line
        self._seen: dict[int, Event | None] = {}
        self._preparing: Preparing | None = None
        self._made = 0
        self._preparation: Preparation | None = None
        if (kept := line.folder.prepared()) is not None:
            self._made, self._preparation = kept
            self._tell(kept[1])
        self.failed = line.folder.failed()
        self.kept = Kept()
        keeper = Keeper(tools, self.kept, self.prepared, line.folder, line.keep)
        self._seats = Seats(tools.width, keeper, inbox.put, inbox.interrupt, lambda one: tools.weigh(self._job(one)))
        if self._preparation is not None:
            self._seats.take_up((one.order.id, one.build) for one in keeper.take_up())

    def prepared(self) -> Preparation:
        """What was prepared, which must have happened."""
        if self._preparation is None:
            raise AssertionError("a build is asked for before there is anything to build")
        return self._preparation

    def _job(self, request: RequestNode) -> Job:
        return self.prepared().works[request.change, request.job].job

    def carry_out(self, action: Action) -> Event | None:
        """Do it, or give the first answer again."""
        if action.id not in self._seen:
            self._seen[action.id] = self._do(action)
        return self._seen[action.id]

    def end(self) -> None:
        """Stop what is still under way and return all nodes."""
        if self._preparing is not None:
            self._preparing.stop()
        self._seats.close()
        if self._preparing is not None:
            self._preparing.wait()

    def kill(self) -> None:
        """End what is still under way, at once; from any thread."""
        if self._preparing is not None:
            self._preparing.leave()
        self._seats.kill()

    def wait(self) -> None:
        """Wait until all nodes are returned whose builds have ended."""
        self._seats.wait()

    def _do(self, action: Action) -> Event | None:
        match action:
            case Prepare():
                self._prepare(action)
            case RequestNode():
                self._seats.request(action)
            case DropRequest():
                self._seats.drop(action.request)
            case StartBuild():
                self._seats.start(action)
            case CancelBuild():
                self._seats.cancel(action.build)
            case WakeAt():
                self._inbox.wake_at(action.at)
            case ResumeBuild():
                self._seats.resume(action.build)
            case KeepNode() | Report() | NoteReuse():
                pass  # which node stays is decided when its build ends, and nobody is told
            case Look():
                return Looked(0.0, action.id, action.item, action.generation, ())
            case Submit():
                return Submitted(0.0, action.id, action.item, action.ref, "refused", "nothing is landed from here")
            case ReadServer():
                return ServerRead(0.0, action.id, ())
            case _:
                assert_never(action)
        return None

    def _tell(self, found: Preparation) -> None:
        titles = tuple(work.title for work in found.works.values())
        self._watch(JobsKnown(pipeline=found.pipeline, jobs=titles, width=self._width))

    def _prepare(self, action: Prepare) -> None:
        """Merge and freeze, beside the loop."""
        minutes = f"{self._line.limit / 60:.0f} minutes"
        error = InfrastructureError(f"to merge the change and to read its configuration took more than {minutes}")
        one = self._preparing = Preparing(lambda: self._made_by(one, action), self._inbox.interrupt)
        one.begin(self._line.limit, lambda: self._failed(action, error))

    def _made_by(self, one: Preparing, action: Prepare) -> None:
        found = self._preparation if self._made == action.id else None
        try:
            if found is None:
                found = self._line.make(action)
                self._line.folder.keep_prepared(action.id, found)
        except GateError as error:
            if one.first():
                self._failed(action, error)
            return
        if one.first():
            self._made, self._preparation = action.id, found
            self._tell(found)
            self._inbox.put(Reloaded(0.0, self._line.layout(found)))
            self._answer(action, found.graphs)

    def _failed(self, action: Prepare, error: GateError) -> None:
        """What has gone wrong is told to the gate as the reason why the item has no jobs."""
        self.failed = error
        self._line.folder.keep_failed(error)
        if isinstance(error, ConflictError):
            self._answer(action, tuple(Graph(ref) for ref in action.of), (error.brief,))
        else:
            self._answer(action, tuple(Graph(ref, problem=error.brief) for ref in action.of))

    def _answer(self, action: Prepare, graphs: tuple[Graph, ...], conflicts: tuple[str, ...] = ()) -> None:
        merged = not conflicts
        self._inbox.put(Prepared(0.0, action.id, action.item, action.generation, merged, conflicts, (), graphs))
