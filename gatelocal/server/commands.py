"""What operators ask of a running gate: each is refused with its reason, or recorded before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatelocal.engine.engine import Engine
from gatelocal.engine.loop import Inbox
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.facts import Facts
from gatelocal.pipeline import explain
from gatelocal.pipeline.events import Dequeue, Enqueue, HoldNodes, PauseQueue, Promote
from gatelocal.pipeline.state import State
from gatelocal.server.daemon import Daemon


class Refused(Exception):
    """It cannot be done. :ivar status: the fitting one of HTTP. :ivar hint: what to do next."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Commands:
    """See the module. Every method raises :class:`Refused`."""

    daemon: Daemon

    def enqueue(self, change: int, pipeline: str) -> None:
        """Put a change into a pipeline, whatever its requirements say."""
        state, name = self.daemon.state, str(change)
        if pipeline not in state.layout.pipelines:
            raise Refused(409, f"there is no pipeline {pipeline}", f"there are: {', '.join(state.layout.pipelines)}")
        facts, related = self._read(change)

        def do(engine: Engine, inbox: Inbox) -> None:
            engine.feed(Enqueue(inbox.now(), pipeline, facts, related))
            if not _holds(engine.state, name, pipeline):
                raise Refused(409, explain.why(engine.state, name))

        self._ask(do)

    def dequeue(self, change: int, pipeline: str = "") -> None:
        """Take a change out."""
        name = str(change)

        def do(engine: Engine, inbox: Inbox) -> None:
            if not _holds(engine.state, name, pipeline):
                raise Refused(409, f"change {name} is not in {pipeline or 'any pipeline'}")
            engine.feed(Dequeue(inbox.now(), name, pipeline))
            if _holds(engine.state, name, pipeline):
                raise Refused(409, f"change {name} is being submitted")

        self._ask(do)

    def promote(self, changes: Sequence[int], pipeline: str = "") -> None:
        """Move changes to the head of their queues."""
        names = tuple(map(str, changes))

        def do(engine: Engine, inbox: Inbox) -> None:
            if not names:
                raise Refused(400, "no change is named")
            if absent := [name for name in names if not _holds(engine.state, name, pipeline)]:
                raise Refused(409, f"change {absent[0]} is not in {pipeline or 'any pipeline'}")
            engine.feed(Promote(inbox.now(), names, pipeline))

        self._ask(do)

    def pause(self, queue: str, *, paused: bool) -> None:
        """Stop a queue, or let it go on."""

        def do(engine: Engine, inbox: Inbox) -> None:
            known = [one for one in engine.state.queues.values() if one.label == queue]
            if not known:
                raise Refused(409, f"there is no queue {queue}")
            engine.feed(PauseQueue(inbox.now(), queue, paused))
            if not any(one.label == queue and one.paused == paused for one in engine.state.queues.values()):
                raise Refused(409, f"the queue {queue} cannot be paused")

        self._ask(do)

    def hold(self, project: str, job: str, change: int = 0, count: int = 1) -> None:
        """Keep the nodes of the next failing builds of a job. :param change: of this one alone; 0: of any."""

        def do(engine: Engine, inbox: Inbox) -> None:
            if project not in engine.state.layout.projects:
                raise Refused(409, f"there is no project {project} here")
            engine.feed(HoldNodes(inbox.now(), project, job, str(change) if change else "", count))

        self._ask(do)

    def release(self, held: str) -> None:
        """Return a node that is kept."""
        try:
            self.daemon.held.release(held)
        except InputError as error:
            raise Refused(409, error.brief, error.hint) from None

    def _ask(self, do: object) -> None:
        try:
            self.daemon.ask(do)  # type: ignore[arg-type]
        except InfrastructureError as error:
            raise Refused(503, error.brief, error.hint) from error

    def _read(self, change: int) -> tuple[Facts, tuple[Facts, ...]]:
        """A change and what belongs to it, as the server has it at this moment."""
        watcher = self.daemon.parts.watcher
        try:
            found = watcher.look(change)
        except InfrastructureError as error:
            raise Refused(503, error.brief, error.hint) from error
        if found is None:
            raise Refused(404, f"the server shows no change {change}")
        return found


def _holds(state: State, change: str, pipeline: str) -> bool:
    items = (state.items[number] for number in state.where.get(change) or ())
    return any(item.live and pipeline in ("", item.pipeline) for item in items)
