"""Who is tested together with whom, and how that ends; who comes together, and what follows, is in batch.py.

The members of a batch name each other, in order (``Item.batch``); the builds of the last one speak for all. They land
one after the other, each in its turn like any other item. A batch comes apart as soon as one of them leaves without
landing, moves, or begins a new generation: then nobody may land on its word any more, and each is tested by itself. A
member whose submit is on its way has begun when the word was good, and is left alone.
"""

from __future__ import annotations

from gatelocal.model.record import replace
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.state import Item, Queue, Stage
from gatelocal.pipeline.window import is_active

_SPOILT = -1
"""No item has this generation: who is said to be built on it is built anew."""


def spokesman(draft: Draft, item: Item) -> Item:
    """The item whose builds speak for this one: mostly itself."""
    return (draft.find(item.batch[-1]) or item) if item.batch else item


def covered(item: Item) -> bool:
    """Whether another one's builds speak for it."""
    return bool(item.batch) and item.batch[-1] != item.id


def fellows(draft: Draft, item: Item) -> list[Item]:
    """The items of the batch that are still to land, in order; the item alone when there is no batch."""
    if not item.batch:
        return [item]
    there = (draft.find(number) for number in item.batch)
    return [one for one in there if one is not None and one.batch == item.batch]


def apart(draft: Draft, item: Item) -> None:
    """The item leaves, moves or begins anew: its batch is none any more, nor is the search for a bad one that it is in.

    Whoever was about to land on that word is not; the last one, which has built the jobs of all, begins anew.
    """
    for one in fellows(draft, item) if item.batch else ():
        if one.settled:
            continue
        stage = Stage.TESTED if one.stage is Stage.LOOKING else one.stage
        if covered(one):
            draft.put(replace(one, batch=(), stage=stage))
            draft.flag(one.id, Flag.JOBS)
        else:
            draft.put(replace(one, batch=(), stage=stage, ahead_generation=_SPOILT))
            draft.flag(one.id, Flag.BASE | Flag.JOBS)
    queue = draft.queue_or_none(item.key)
    if queue is not None and item.id in queue.suspects:
        acquit(draft, queue)


def acquit(draft: Draft, queue: Queue) -> None:
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
