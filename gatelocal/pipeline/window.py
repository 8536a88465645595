"""How many items of a queue are tested at once: additive increase, multiplicative decrease (gate-semantics 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gatelocal.model.layout import Manager, WindowRule
from gatelocal.model.record import changer, replace
from gatelocal.pipeline.draft import Draft, Flag, main_queue
from gatelocal.pipeline.state import Item, Queue, QueueKey, Stage


def wider(rule: WindowRule, window: int) -> int:
    """The window after an item has landed; without a limit (0) it stays so."""
    if not window:
        return 0
    grown = window * rule.increase if rule.increase_exponential else window + rule.increase
    return min(grown, rule.ceiling) if rule.ceiling is not None else grown


def narrower(rule: WindowRule, window: int) -> int:
    """The window after an item was reported as not succeeded."""
    if not window:
        return 0
    shrunk = window // rule.decrease if rule.decrease_exponential else window - rule.decrease
    return max(rule.floor, shrunk)


def kept(rule: WindowRule, window: int) -> int:
    """The window after the layout was read again: as it was, but not below the new floor, unless the rule is static."""
    static = rule.increase_exponential and rule.decrease_exponential and rule.increase == rule.decrease == 1
    if (static and rule.size) or not window:
        return rule.size
    return max(rule.floor, window)


def landed(draft: Draft, item: Item) -> None:
    """An item of a dependent pipeline has landed."""
    _change(draft, item, wider)


def not_succeeded(draft: Draft, item: Item) -> None:
    """An item of a dependent pipeline was reported as not succeeded, whether a job of it ran or not."""
    _change(draft, item, narrower)


def _change(draft: Draft, item: Item, rule: Callable[[WindowRule, int], int]) -> None:
    pipeline = draft.pipeline(item)
    if pipeline.manager is Manager.DEPENDENT:
        queue = main_queue(draft, item.key)
        draft.put_queue(_as_wide(queue, rule(pipeline.window, queue.window)))


def is_active(queue: Queue, item: Item) -> bool:
    """Whether the item is within the window, so that it may be prepared and may start jobs.

    Behind suspects of which the first half is tested (the switch ``batch``), nobody is.
    """
    if queue.suspects and item.id > queue.probe and item.id not in queue.suspects:
        return False
    window = queue.window
    first = item.batch[0] if item.batch else item.id
    return not window or len(queue.line) <= window or queue.line.place(first) < window


def keep_out(draft: Draft, item: Item) -> None:
    """An item for which not all has begun is outside of the window: it has its turn when the window comes to it."""
    queue = draft.queue(item.key)
    place = queue.line.place(item.id)
    if place < queue.active and not is_active(queue, item):
        draft.put_queue(replace(queue, active=place))


_as_wide = changer(Queue, "window")
_reaching = changer(Queue, "active")


def admit(draft: Draft, key: QueueKey, todo: Collection[int]) -> None:
    """Have the first item that has come into the window looked at, unless one before it is to be looked at anyhow.

    One at a time, from head to tail, as Zuul walks: what happens to one may close the window again. While the head is
    being submitted, or has reporter jobs, nobody is taken in: Zuul holds the whole queue meanwhile (gate-semantics 1.4,
    1.7).

    :param todo: those of the queue that are to be looked at anyhow.
    """
    queue = draft.queue_or_none(key)
    if queue is None or queue.paused or queue.suspects:
        return
    place = queue.active
    if (queue.window and place >= queue.window) or place >= len(queue.line):
        return
    number = queue.line.at(place)
    if number is None or (todo and min(todo) < number) or _landing(draft, queue):
        return
    draft.put_queue(_reaching(queue, place + 1))
    draft.flag(number, Flag.BASE | Flag.JOBS)


def _landing(draft: Draft, queue: Queue) -> bool:
    head = queue.line.first
    return head is not None and (draft.item(head).settled or draft.item(head).stage is Stage.LOOKING)
