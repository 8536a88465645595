"""The only loop: an event is decided on, recorded with its actions in one step, and then the actions are carried out.

It has no rule of its own and no clock: events bring their time. Whatever feeds it (daemon, simulator) waits for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from gatelocal.engine.put_off import PutOff
from gatelocal.errors import InfrastructureError
from gatelocal.model.record import replace
from gatelocal.pipeline.actions import ANSWERED, Action, CancelBuild, DropRequest, Submit
from gatelocal.pipeline.decide import traced
from gatelocal.pipeline.events import BuildDone, Event, Looked, NodeAnswer, Prepared, ServerRead, Submitted
from gatelocal.pipeline.state import Item, State
from gatelocal.ports import Hands, Later, Store

Watch = Callable[[State, Event, State, tuple[Action, ...], tuple[int, ...]], None]
"""Is told of every decision: before, event, after, actions, the items that were touched."""
Left = Callable[[Item], None]
"""Is told of every item that leaves its queue, as it was at last."""


class Engine:
    """One gate. Made from its store, it first does again what may not have been done.

    An action that its hand cannot carry out now (:class:`gatelocal.errors.InfrastructureError`) is tried again after a
    wait, the next time after a longer one, and is not overtaken where order matters. A submit that was not carried out
    at once is marked as late.

    :ivar state: what the store holds.
    """

    def __init__(self, store: Store, hands: Hands, watch: Watch | None = None, left: Left | None = None) -> None:
        self._store = store
        self._hands = hands
        self._watch = watch
        self._left = left
        self._todo: deque[Action] = deque(map(late, store.outbox()))
        self._answers: deque[Event] = deque()
        self._put_off = PutOff()
        self._now = 0.0
        self.state = store.state

    @property
    def due(self) -> float | None:
        """When :meth:`again` is to be called, in the time of the events; None: nothing has failed."""
        return self._put_off.due

    def feed(self, event: Event) -> None:
        """Work an event in, with all that follows from it at once."""
        self._decide(event)
        self.run()

    def again(self, now: float) -> None:
        """Try once more what could not be carried out, as far as it is due."""
        self._now = max(self._now, now)
        for action in self._put_off.take(self._now):
            self._try(late(action))
        self.run()

    def finished(self, action: int) -> None:
        """An action of which its hand said ``LATER`` has been carried out; to be called by the loop's thread."""
        self._store.done(action)

    def run(self) -> None:
        """Carry out what is to be done, until only answers that take their time are missing."""
        while self._todo or self._answers:
            if self._todo:
                self._carry_out(self._todo.popleft())
            else:
                self._decide(self._answers.popleft())

    def _carry_out(self, action: Action) -> None:
        if self._put_off.must_wait(action):
            self._put_off.add(action, self._now)
        else:
            self._try(action)

    def _try(self, action: Action) -> None:
        try:
            answer = self._hands.carry_out(action)
        except InfrastructureError:
            self._put_off.add(action, self._now)
            return
        self._put_off.done(action.id)
        if isinstance(answer, Later):
            return
        if answer is not None:
            self._answers.append(answer)
        if isinstance(action, CancelBuild):
            self._store.done(action.build)
        if not isinstance(action, ANSWERED):
            self._store.done(action.id)

    def _decide(self, event: Event) -> None:
        self._now = max(self._now, event.at)
        before = self.state
        after, actions, touched, left = traced(before, event)
        # A build that was never begun has a node all the same: it is begun first, and then called off.
        ended = (*answered_by(event), *(one for one in unwanted(actions) if not self._put_off.has_build(one)))
        self._store.commit(event, after, actions, ended)
        for one in ended:
            self._put_off.done(one)
        self.state = after
        self._todo.extend(actions)
        if self._left is not None:
            for item in left:
                self._left(item)
        if self._watch is not None:
            self._watch(before, event, after, actions, touched)


def late(action: Action) -> Action:
    """The action as it is to be carried out when it was wanted some time ago, or may have been carried out before."""
    return replace(action, late=True) if isinstance(action, Submit) else action


def answered_by(event: Event) -> tuple[int, ...]:
    """The action that an event answers, if any."""
    match event:
        case Prepared() | NodeAnswer() | Looked() | Submitted() | ServerRead():
            return (event.action,)
        case BuildDone():
            return (event.build,)
        case _:
            return ()


def unwanted(actions: Iterable[Action]) -> tuple[int, ...]:
    """The actions that others of a later decision call off: their answer may never come."""
    called_off = []
    for action in actions:
        match action:
            case DropRequest():
                called_off.append(action.request)
            case CancelBuild():
                called_off.append(action.build)
            case _:
                pass
    return tuple(called_off)
