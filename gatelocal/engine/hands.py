"""The hands of a gate on this machine: an action → what is done about it; whatever takes long answers by an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from gatelocal.engine.keeper import Keeper, Kept
from gatelocal.engine.loop import Inbox
from gatelocal.engine.seats import Seats
from gatelocal.engine.work import Preparation, Tools
from gatelocal.errors import ConflictError, GateError
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


class LocalHands:
    """See :class:`gatelocal.ports.Hands`. Nothing is landed and nobody is told.

    :param make: called in the loop's own thread, so that Ctrl-C ends it: while a line of one change is prepared there
        is nothing else to be decided on. :param layout: what the gate runs with, once semaphores are known.
    :ivar failed: why the item could not be prepared. :ivar kept: what its builds have left.
    """

    def __init__(self, tools: Tools, inbox: Inbox, make: Make, layout: Callable[[Preparation], Layout]) -> None:
        self._inbox = inbox
        self._make = make
        self._layout = layout
        self._seen: dict[int, Event | None] = {}
        self._preparation: Preparation | None = None
        self.failed: GateError | None = None
        self.kept = Kept()
        keeper = Keeper(tools, self.kept, self.prepared)
        self._seats = Seats(tools.width, keeper, inbox.put, inbox.interrupt)

    def prepared(self) -> Preparation:
        """What was prepared, which must have happened."""
        if self._preparation is None:
            raise AssertionError("a build is asked for before there is anything to build")
        return self._preparation

    def carry_out(self, action: Action) -> Event | None:
        """Do it, or give the first answer again."""
        if action.id not in self._seen:
            self._seen[action.id] = None
            self._seen[action.id] = self._do(action)
        return self._seen[action.id]

    def end(self) -> None:
        """Stop what is still under way and return all nodes."""
        self._seats.close()

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
            case ResumeBuild() | KeepNode() | Report() | NoteReuse():
                pass  # no build here pauses, which node stays is decided when its build ends, and nobody is told
            case Look():
                return Looked(0.0, action.id, action.item, action.generation, ())
            case Submit():
                return Submitted(0.0, action.id, action.item, action.ref, "refused", "nothing is landed from here")
            case ReadServer():
                return ServerRead(0.0, action.id, ())
            case _:
                assert_never(action)
        return None

    def _prepare(self, action: Prepare) -> None:
        """Merge and freeze; what goes wrong is told to the gate as the reason why the item has no jobs."""
        merged, conflicts = True, tuple[str, ...]()
        graphs = tuple(Graph(ref) for ref in action.of)
        try:
            self._preparation = self._make(action)
        except ConflictError as error:
            self.failed, merged, conflicts = error, False, (error.brief,)
        except GateError as error:
            self.failed = error
            graphs = tuple(Graph(ref, problem=error.brief) for ref in action.of)
        else:
            graphs = self._preparation.graphs
            self._inbox.put(Reloaded(0.0, self._layout(self._preparation)))
        self._inbox.put(Prepared(0.0, action.id, action.item, action.generation, merged, conflicts, (), graphs))
