"""The gate as one function: a state and an event make a new state and actions; nothing else happens.

An event is first worked into what is known; then every queue that it concerns is walked from head to tail, and only
over those items that something has changed for, until nothing changes any more.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from gatelocal.model.layout import Layout, Manager
from gatelocal.model.record import replace
from gatelocal.pipeline import answers, changes, operate
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.builds import advance, complete, fail_fast, hand_back, holds_followers
from gatelocal.pipeline.doubt import again
from gatelocal.pipeline.draft import Draft, Flag, begun
from gatelocal.pipeline.enqueue import enqueue_later, regrouped
from gatelocal.pipeline.events import (
    BuildDone,
    BuildDoomed,
    BuildPaused,
    ChangeEvent,
    Dequeue,
    Enqueue,
    Event,
    HoldNodes,
    Looked,
    NodeAnswer,
    NodeWaits,
    PauseQueue,
    Prepared,
    Promote,
    RefUpdated,
    Reloaded,
    ServerRead,
    Started,
    Submitted,
    Woken,
)
from gatelocal.pipeline.land import conclude, expel, looked, report_on, submitted
from gatelocal.pipeline.leave import tell_start
from gatelocal.pipeline.policies import CLASSIC, Policy
from gatelocal.pipeline.ready import may_stay
from gatelocal.pipeline.reporting import stands_still
from gatelocal.pipeline.speculate import rebase
from gatelocal.pipeline.state import Item, Queue, Stage, State
from gatelocal.pipeline.switches import batch, beside, late_restart, overtake, urgent
from gatelocal.pipeline.switches.members import covered, fellows
from gatelocal.pipeline.window import admit, is_active, keep_out

_MOST_ROUNDS = 1_000_000
"""More looks at items than any event needs."""


def initial(layout: Layout, policy: Policy = CLASSIC) -> State:
    """The gate before anything has happened: the layout's queues are there and empty."""
    draft = begun(State(layout, policy), 0.0)
    operate.make_queues(draft)
    return draft.state()


def decide(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """What the gate becomes and what it wants done when the event happens."""
    decided = traced(state, event)
    return decided.state, decided.actions


class Decided(NamedTuple):
    """What follows from an event, with what is of use to whoever looks on.

    :ivar touched: the ids of the items that have a new value, or none any more. :ivar left: the items that left their
        queue, as they were at last.
    """

    state: State
    actions: tuple[Action, ...]
    touched: tuple[int, ...]
    left: tuple[Item, ...]


def traced(state: State, event: Event) -> Decided:
    """As :func:`decide`, for whoever looks on."""
    draft = begun(state, event.at)
    _take(draft, event)
    _settle(draft)
    return Decided(draft.state(), tuple(draft.actions), draft.touched(), tuple(draft.left))


def _take(draft: Draft, event: Event) -> None:  # noqa: PLR0912 - one arm for each kind of event
    """Work an event into the state."""
    match event:
        case BuildDone() | BuildPaused() | BuildDoomed() | NodeAnswer() | NodeWaits() | Prepared():
            answers.take(draft, event)
        case Looked():
            item = draft.find(event.item)
            if item is not None and item.asked == event.action and item.stage is Stage.LOOKING:
                looked(draft, item, event)
        case Submitted():
            item = draft.find(event.item)
            if item is not None and item.stage is Stage.LANDING and item.changes[item.submitted] == event.ref:
                submitted(draft, item, event)
        case ChangeEvent():
            changes.take(draft, event)
        case RefUpdated():
            changes.ref_updated(draft, event)
        case Enqueue():
            operate.enqueue_by_hand(draft, event)
        case Dequeue():
            operate.dequeue(draft, event)
        case Promote():
            operate.promote(draft, event)
        case PauseQueue():
            operate.pause(draft, event)
        case HoldNodes():
            operate.hold(draft, event)
        case Reloaded():
            operate.reload(draft, event)
        case Started() | Woken():
            changes.read_again(draft, event)
        case ServerRead():
            changes.server_read(draft, event)
        case _:
            assert_never(event)


def _settle(draft: Draft) -> None:
    """Walk the queues until nothing is left to be looked at. :raises RuntimeError: that does not come to an end."""
    rounds = 0
    while draft.agenda or draft.later:
        rounds += 1
        if rounds > _MOST_ROUNDS:
            raise RuntimeError("the queues come to no rest")
        if not draft.agenda:
            enqueue_later(draft)
            continue
        key, todo = next(iter(draft.agenda.items()))
        admit(draft, key, todo)
        if todo:
            number = min(todo)
            _examine(draft, number, todo.pop(number))
        else:
            del draft.agenda[key]


def _examine(draft: Draft, number: int, flag: int) -> None:
    """One item's turn: may it stay, what is it built on, what may start, is it done (gate-semantics 1.4)."""
    item = draft.find(number)
    if item is None or item.stage is Stage.LANDING or not item.live:
        return
    if item.stage is Stage.REPORTING:
        report_on(draft, item)
        return
    queue = draft.queue(item.key)
    if queue.reporting and stands_still(draft, queue):
        return
    if flag & Flag.STAY and not queue.paused and _leaves(draft, item):
        return
    if flag & Flag.BASE:
        rebase(draft, item)
        item, queue = draft.item(number), draft.queue(queue.key)
    _progress(draft, item, queue)


def _leaves(draft: Draft, item: Item) -> bool:
    """Take the item out if it may not stay."""
    if regrouped(draft, item):
        return True
    reason = may_stay(draft, item)
    if reason is not None:
        expel(draft, item, reason)
    return reason is not None


def _progress(draft: Draft, item: Item, queue: Queue) -> None:
    ahead = draft.find(item.ahead) if item.ahead else None
    if item.runs and not item.started and not queue.paused and is_active(queue, item):
        item = tell_start(draft, item)
    if batch.held_back(queue, item):
        return
    if item.stage is Stage.TESTED and not queue.paused:
        item = _work(draft, item, queue, held=ahead is not None and ahead.blocks)
    red = _has_failed(item)
    if item.batch and red:
        if batch.is_red(item):
            batch.split(draft, item)
            return
        red = False
    if red and item.stage is Stage.TESTED:
        item = fail_fast(draft, item)
    item = _evaluate(draft, item, ahead, red)
    if queue.paused:
        return
    if item.stage in (Stage.CONFLICT, Stage.BROKEN):
        if not item.ahead:
            conclude(draft, item)
    elif item.stage is Stage.TESTED and (batch.is_done(draft, item) if item.batch else complete(item)):
        _done(draft, item)


def _work(draft: Draft, item: Item, queue: Queue, *, held: bool) -> Item:
    """What can be done for an item that is prepared. :param held: what it is built on has to pass a job first."""
    policy = draft.policy
    if policy.confirm or policy.pause_on_broken_trunk:
        item = again(draft, item)
    if is_active(queue, item):
        if policy.batch:
            item = batch.gather(draft, item)
        if not held:
            item = _start(draft, item)
    else:
        item = hand_back(draft, item)
        keep_out(draft, item)
    return item


def _has_failed(item: Item) -> bool:
    for run in item.runs:  # noqa: SIM110 - for every event: any() takes twice as long
        if (run.result or run.doomed) and run.red:
            return True
    return False


def _start(draft: Draft, item: Item) -> Item:
    """Start what may start; what a failure has restarted begins late, with the job that failed (``late_restart``)."""
    if covered(item):
        return item
    if not item.suspicion:
        return advance(draft, item)
    if _has_failed(item):
        item = late_restart.given_up(draft, item)
    if late_restart.doubtful(draft, item) is not None:
        return advance(draft, item, late_restart.begun(item))
    only = late_restart.first(item)
    if only is None:
        item = draft.put(replace(item, suspicion=()))
    return advance(draft, item, only)


def _done(draft: Draft, item: Item) -> None:
    """All builds that speak for an item have ended: the verdict, if it is its turn."""
    policy = draft.policy
    if policy.batch:
        batch.passed(draft, item)
        item = draft.item(item.id)
    if item.batch and any(_leaves(draft, one) for one in fellows(draft, item) if one.id != item.id):
        return  # what it was tested with is not what will land
    if item.ahead:
        if not policy.overtake or not beside.may_land(draft, item) or not overtake.may(draft, item):
            return
        item = overtake.step_aside(draft, item)
    elif not item.failing and _has_to_wait(draft, item):
        return
    conclude(draft, item)


def _has_to_wait(draft: Draft, item: Item) -> bool:
    """Whether one that stands beside the queue lands first, or one is landing at this moment."""
    if len(beside.family(draft, item.key)) == 1:
        return beside.is_taken(draft, item)
    if not beside.may_land(draft, item):
        return True
    return beside.needs_another(draft, item) or (draft.policy.urgent and urgent.waits_for(draft, item) is not None)


def _evaluate(draft: Draft, item: Item, ahead: Item | None, red: bool) -> Item:
    """Whether the item fails, and whether it holds those behind; if that has changed, they are looked at."""
    failing = red or item.stage in (Stage.PARKED, Stage.CONFLICT, Stage.BROKEN)
    holds = holds_followers(item) and not covered(item)
    blocks = item.stage is Stage.TESTED and (holds or bool(ahead and ahead.blocks))
    if (failing, blocks) == (item.failing, item.blocks):
        return item
    changed = draft.put(replace(item, failing=failing, blocks=blocks))
    if failing and not item.failing:
        _begun_to_fail(draft, changed)
    if draft.pipeline(item).manager is Manager.DEPENDENT:
        _look_behind(draft, changed, Flag.BASE if failing != item.failing else Flag.JOBS)
    return changed


def _begun_to_fail(draft: Draft, item: Item) -> None:
    if draft.policy.late_restart:
        late_restart.suspect(draft, item)
    if draft.policy.batch:
        batch.failed(draft, item)
    if draft.policy.urgent:
        beside.look(draft, item)


def _look_behind(draft: Draft, item: Item, flag: int) -> None:
    """Have those built on the item looked at: all up to the first one that does not fail."""
    line = draft.queue(item.key).line
    number = line.after(item.id)
    while number is not None:
        other = draft.item(number)
        if other.is_new:
            return
        draft.flag(number, flag)
        if flag == Flag.BASE or not other.failing:
            return
        number = line.after(number)
