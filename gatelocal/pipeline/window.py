"""How many items of a queue are tested at once: additive increase, multiplicative decrease (gate-semantics 1.5)."""

from __future__ import annotations

from collections.abc import Callable

from gatelocal.model.evolve import replace
from gatelocal.model.layout import Manager, WindowRule
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.state import Item, Queue, QueueKey


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
    """The window after the layout was read again: as it was, within the new bounds, unless the rule is static."""
    static = rule.increase_exponential and rule.decrease_exponential and rule.increase == rule.decrease == 1
    if static or not rule.size or not window:
        return rule.size
    window = max(rule.floor, window)
    return min(window, rule.ceiling) if rule.ceiling is not None else window


def landed(draft: Draft, item: Item) -> None:
    """An item of a dependent pipeline has landed."""
    _change(draft, item, wider)


def not_succeeded(draft: Draft, item: Item) -> None:
    """An item of a dependent pipeline was reported as not succeeded, whether a job of it ran or not."""
    _change(draft, item, narrower)


def _change(draft: Draft, item: Item, rule: Callable[[WindowRule, int], int]) -> None:
    pipeline = draft.pipeline(item)
    if pipeline.manager is Manager.DEPENDENT:
        queue = draft.queue(item.key)
        draft.put_queue(replace(queue, window=rule(pipeline.window, queue.window)))


def is_active(queue: Queue, item: Item) -> bool:
    """Whether the item is within the window, so that it may be prepared and may start jobs."""
    window = queue.window
    return not window or len(queue.line) <= window or queue.line.place(item.id) < window


def fill(draft: Draft, key: QueueKey) -> bool:
    """Let the items that have come into the window be looked at; whether there were any."""
    queue = draft.queue_or_none(key)
    if queue is None or queue.paused:
        return False
    limit = min(queue.window or len(queue.line), len(queue.line))
    if queue.active >= limit:
        return False
    for place in range(queue.active, limit):
        number = queue.line.at(place)
        if number is not None:
            draft.flag(number, Flag.BASE | Flag.JOBS)
    draft.put_queue(replace(queue, active=limit))
    return True
