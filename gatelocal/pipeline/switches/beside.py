"""Queues beside a queue: nobody is built on what stands there; who may stand there is decided elsewhere.

The switch ``urgent`` puts changes there when they enter, ``overtake`` those that are about to land before others, and
a reload, under any policy, those whose submit is under way while their queue becomes a part of another, or is no queue
for all of their changes any more. A queue and those beside it share branches, as queues of several dependent pipelines
do: only one of their items lands at a time, and what has landed is not part of what the others were tested with. Those
whose inputs it touches are tested again, the others keep their results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager
from gatelocal.model.record import replace
from gatelocal.pipeline.draft import Draft, Flag, empty_queue, main_queue
from gatelocal.pipeline.inputs import touches
from gatelocal.pipeline.ready import queue_name
from gatelocal.pipeline.reuse import without
from gatelocal.pipeline.speculate import outrun, reset
from gatelocal.pipeline.state import Item, Queue, QueueKey, Stage


def family(draft: Draft, key: QueueKey) -> tuple[Queue, ...]:
    """A queue with all that stand beside it."""
    first = main_queue(draft, key)
    if not first.beside:
        return (first,)
    others = (draft.queue_or_none((first.pipeline, name)) for name in first.beside if name != first.name)
    return (first, *(queue for queue in others if queue is not None))


def opened(draft: Draft, key: QueueKey) -> QueueKey:
    """A new queue beside one; beside one that stands so itself, it is of the same family."""
    known = main_queue(draft, key)
    name = f"{known.label} beside {draft.number()}"
    pipeline = draft.layout.pipelines[known.pipeline]
    draft.put_queue(replace(empty_queue(pipeline, name, known.label, dynamic=True), paused=known.paused))
    there = [one for one in known.beside if draft.queue_or_none((known.pipeline, one)) is not None]
    draft.put_queue(replace(known, beside=(*there, name)))
    return (known.pipeline, name)


def stopped(draft: Draft, key: QueueKey) -> Queue:
    """A queue, paused with all that stand beside it until an operator resumes them; then all is tested anew."""
    for queue in family(draft, key):
        draft.put_queue(replace(queue, paused=True, anew=True))
    return draft.queue(key)


def files_of(draft: Draft, item: Item) -> tuple[str, ...] | None:
    """The paths that an item changes; None when they are not known."""
    found: list[str] = []
    for name in item.names:
        facts = draft.facts(name)
        if facts is None or not facts.files:
            return None
        found += facts.files
    return tuple(found)


def affects(draft: Draft, item: Item, other: Item) -> bool:
    """Whether what an item changes is an input of a job of another, as far as that is known."""
    files = files_of(draft, item)
    if files is None or other.stage not in (Stage.TESTED, Stage.LOOKING, Stage.LANDING, Stage.REPORTING):
        return True
    return any(touches(run.job, files) for run in other.runs if run.control_of < 0)


def may_land(draft: Draft, item: Item) -> bool:
    """Whether nobody of the family is landing, and nobody else on a branch of the item."""
    others = (draft.item(number) for queue in family(draft, item.key) for number in queue.line)
    return not any(one.settled or one.stage is Stage.LOOKING for one in others) and not is_taken(draft, item)


def is_taken(draft: Draft, item: Item) -> bool:
    """Whether somebody who is not of the family is landing on a branch of the item."""
    return any(one.stage is Stage.LANDING for one in _on_its_branches(draft, item))


def _on_its_branches(draft: Draft, item: Item) -> Iterator[Item]:
    """Who stands first in a queue for a branch of the item that is not of its family.

    Such are the queues of another dependent pipeline, and those of the members of a cycle that has lost its own.
    """
    pipeline = draft.layout.pipelines.get(item.pipeline)
    if pipeline is None or pipeline.manager is not Manager.DEPENDENT:
        return
    seen = {queue.key for queue in family(draft, item.key)}
    for facts in filter(None, map(draft.facts, item.names)):
        for key in queues_of(draft, facts):
            for queue in family(draft, key) if key not in seen else ():
                if queue.key not in seen and len(queue.line):
                    yield draft.item(next(iter(queue.line)))
                seen.add(queue.key)


def queues_of(draft: Draft, facts: Facts) -> Iterator[QueueKey]:
    """The dependent pipelines' queues of a branch, or of a change for it, as far as there are any."""
    for pipeline in draft.layout.pipelines.values():
        found = queue_name(draft.layout, pipeline, facts) if pipeline.manager is Manager.DEPENDENT else None
        if found is not None and draft.queue_or_none((pipeline.name, found[0])) is not None:
            yield (pipeline.name, found[0])


def needs_another(draft: Draft, item: Item) -> bool:
    """Whether what it needs stands in another queue of the family: that lands first."""
    others = {number for queue in family(draft, item.key) if queue.key != item.key for number in queue.line}
    return any(not others.isdisjoint(draft.where(name)) for name in item.needs)


def landed(draft: Draft, item: Item) -> None:
    """All or a part of an item has landed: who was tested without it is tested again if it touches their inputs.

    Without the switches no ``files`` are gone by: then those are whose workspace has an older state of its branches.
    """
    queues = family(draft, item.key)
    if len(queues) == 1:
        return
    own = set(item.changes)
    for queue in queues:
        _again(draft, item, own, queue)


def _again(draft: Draft, item: Item, own: set[Ref], queue: Queue) -> None:
    renewed: dict[tuple[int, int], int] = {}
    files = files_of(draft, item) or ()
    for number in tuple(queue.line):
        other = draft.item(number)
        if number == item.id:
            continue
        if other.settled:
            outrun(draft, other)
            continue
        base = (other.ahead, other.ahead_generation)
        if base in renewed:
            other = draft.put(replace(other, ahead_generation=renewed[base]))
        if other.stage in (Stage.WAITING, Stage.PARKED):
            without(draft, other, files)
            continue
        contains = not own.isdisjoint(other.content)
        stuck = other.stage in (Stage.CONFLICT, Stage.BROKEN)
        if not contains and not stuck and _spoils(draft, item, other):
            renewed[number, other.generation] = _renewed(draft, other, files).generation
            draft.flag(number, Flag.BASE)


def _spoils(draft: Draft, item: Item, other: Item) -> bool:
    """Whether what an item has made of its branches says that another has to be tested again."""
    if draft.policy.urgent or draft.policy.overtake:
        return affects(draft, item, other)
    found = (facts for facts in map(draft.facts, item.names) if facts is not None)
    now = {(facts.project, facts.branch): draft.tip((facts.project, facts.branch)) for facts in found}
    older = any(now.get((project, branch), tip) != tip for project, branch, tip in other.bases)
    return older or other.stage is Stage.PREPARING


def _renewed(draft: Draft, item: Item, files: tuple[str, ...]) -> Item:
    """Begin an item anew on what it was built on: those built on it stay so, unless it comes to stand on another."""
    fresh = without(draft, reset(draft, item), files)
    ahead, generation = item.ahead, item.ahead_generation
    return draft.put(replace(fresh, ahead=ahead, ahead_generation=generation, content=item.content))


def forsake(draft: Draft, item: Item, follower: int) -> None:
    """An item goes while its queue stands still: what was built on it ends now, though nobody is looked at (Zuul)."""
    queue = draft.queue_or_none(item.key)
    gone = {item.id}
    number: int | None = follower
    while queue is not None and queue.reporting and number is not None:
        other = draft.item(number)
        if other.ahead in gone and not other.settled:
            gone.add(number)
            reset(draft, other, spare=draft.policy.reuse)
        number = queue.line.after(number)


def look(draft: Draft, item: Item) -> None:
    """Something about the item is known now that others of the family may wait for."""
    for queue in family(draft, item.key):
        for number in queue.line:
            if number != item.id and draft.item(number).stage is Stage.TESTED:
                draft.flag(number, Flag.JOBS)
    lands_no_more(draft, item)


def lands_no_more(draft: Draft, item: Item) -> None:
    """Who is for one of its branches, and waited for it in another queue, is looked at."""
    for other in _on_its_branches(draft, item):
        if other.stage is Stage.TESTED:
            draft.flag(other.id, Flag.JOBS)


def left(draft: Draft, item: Item, *, has_landed: bool) -> None:
    """An item leaves its queue: others of the family may be waiting for that; who contains it is tested without it."""
    queues = family(draft, item.key)
    if len(queues) == 1:
        return
    own = set(item.changes)
    apart = draft.queue(item.key).dynamic and not has_landed
    for queue in queues:
        _look(draft, item, queue, own if apart else set())


def _look(draft: Draft, item: Item, queue: Queue, gone: Iterable[Ref]) -> None:
    without = frozenset(gone)
    for number in tuple(queue.line):
        other = draft.item(number)
        if number == item.id or other.settled or other.stage is Stage.WAITING:
            continue
        if queue.key != item.key and not without.isdisjoint(other.content):
            reset(draft, other)
            draft.flag(number, Flag.BASE)
        draft.flag(number, Flag.JOBS)
