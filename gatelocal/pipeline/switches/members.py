"""Who is tested together with whom, and what becomes of that when one of them is not what it was; see batch.py."""

from __future__ import annotations

from gatelocal.model.evolve import replace
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.state import Item, Queue, Stage
from gatelocal.pipeline.window import is_active


def spokesman(draft: Draft, item: Item) -> Item:
    """The item whose builds speak for this one: mostly itself."""
    return (draft.find(item.batch[-1]) or item) if item.batch else item


def covered(item: Item) -> bool:
    """Whether another one's builds speak for it."""
    return bool(item.batch) and item.batch[-1] != item.id


def dissolve(draft: Draft, item: Item) -> None:
    """The item leaves or begins a new generation: its batch is none any more, and its fellows are no suspects."""
    for number in item.batch:
        other = draft.find(number)
        if other is not None and other.batch:
            draft.put(replace(other, batch=()))
            draft.flag(number, Flag.JOBS)
    queue = draft.queue_or_none(item.key)
    if queue is not None and item.id in queue.suspects:
        clear(draft, queue)


def gone(draft: Draft, item: Item, *, has_landed: bool) -> None:
    """The item leaves the queue; those that have landed leave their batch as it is."""
    if not has_landed:
        dissolve(draft, item)
        return
    queue = draft.queue(item.key)
    if item.id in queue.suspects:
        clear(draft, queue)


def fellows(draft: Draft, item: Item) -> list[Item]:
    """The items of the batch that are still to land, in order; the item alone when there is no batch."""
    there = (draft.find(number) for number in item.batch or (item.id,))
    return [one for one in there if one is not None]


def clear(draft: Draft, queue: Queue) -> None:
    """Nobody is suspected any more: all that were held back are looked at."""
    after = queue.probe
    queue = draft.put_queue(replace(queue, suspects=()))
    number = queue.line.after(after)
    while number is not None and _may_act(queue, draft.item(number)):
        draft.flag(number, Flag.BASE | Flag.JOBS)
        number = queue.line.after(number)
    draft.agenda.setdefault(queue.key, {})


def _may_act(queue: Queue, item: Item) -> bool:
    """Whether it is in the window, or was before the window became smaller."""
    return item.stage is not Stage.WAITING or is_active(queue, item)
