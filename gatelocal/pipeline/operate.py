"""What operators do to queues, and the layout read again (gate-semantics 1.11, 1.8, 1.5)."""

from __future__ import annotations

from collections.abc import Iterator

from gatelocal.model.layout import Layout, Manager, Pipeline, QueueSpec
from gatelocal.model.record import replace
from gatelocal.pipeline import window
from gatelocal.pipeline.changes import update
from gatelocal.pipeline.draft import Draft, Flag, empty_queue
from gatelocal.pipeline.enqueue import enqueue
from gatelocal.pipeline.events import Dequeue, Enqueue, HoldNodes, PauseQueue, Promote, Reloaded
from gatelocal.pipeline.land import end_reports
from gatelocal.pipeline.leave import leave
from gatelocal.pipeline.place import Manner
from gatelocal.pipeline.projects import queue_specs, takes_part
from gatelocal.pipeline.ready import queue_name
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.state import Autohold, Item, Queue, QueueKey, Reason, Stage
from gatelocal.pipeline.switches.beside import opened
from gatelocal.pipeline.switches.members import apart
from gatelocal.pipeline.trunk import test_anew


def make_queues(draft: Draft) -> None:
    """Make the queues that the layout names: those of dependent and serial pipelines are always there."""
    for pipeline in draft.layout.pipelines.values():
        if pipeline.manager not in (Manager.DEPENDENT, Manager.SERIAL):
            continue
        for spec in _queues_in(draft.layout, pipeline.name):
            if draft.queue_or_none((pipeline.name, spec.name)) is None and not spec.per_branch:
                draft.put_queue(empty_queue(pipeline, spec.name, spec.name))


def _queues_in(layout: Layout, pipeline: str) -> Iterator[QueueSpec]:
    for project in layout.projects:
        if takes_part(layout, project, pipeline):
            yield from queue_specs(layout, project)


def enqueue_by_hand(draft: Draft, event: Enqueue) -> None:
    """Requirements and trigger do not count, dependencies and readiness do."""
    update(draft, event.facts)
    for facts in event.related:
        update(draft, facts)
    ref = event.facts.ref
    enqueue(draft, draft.layout.pipelines[event.pipeline], ref, Manner(ref.change, forced=True))


def dequeue(draft: Draft, event: Dequeue) -> None:
    """The live items of a change go; those behind are tested again."""
    for number in draft.where(event.change):
        item = draft.find(number)
        wanted = item is not None and item.live and event.pipeline in ("", item.pipeline)
        if item is not None and wanted and item.stage is Stage.REPORTING:
            end_reports(draft, item)
        elif item is not None and wanted and not item.settled:
            leave(draft, item, Reason("dequeued", (item.pipeline,)))


def promote(draft: Draft, event: Promote) -> None:
    """Move changes to the head: from the first difference on, all items are queued anew in the new order."""
    keys: dict[QueueKey, list[int]] = {}
    for change in event.changes:
        for number in draft.where(change):
            item = draft.item(number)
            dependent = draft.pipeline(item).manager is Manager.DEPENDENT
            if item.live and dependent and event.pipeline in ("", item.pipeline):
                chosen = keys.setdefault(item.key, [])
                if number not in chosen:
                    chosen.append(number)
    for key, chosen in keys.items():
        _reorder(draft, key, chosen)


def _reorder(draft: Draft, key: QueueKey, chosen: list[int]) -> None:
    """Leave the head as far as it is in the wanted order already; all others enter again, with what they need.

    The promoted ones first, then the others in their old order; requirements do not count (gate-semantics 1.11).
    """
    before = tuple(draft.queue(key).line)
    wanted = (*chosen, *(number for number in before if number not in chosen))
    same = 0
    while same < len(before) and before[same] == wanted[same]:
        same += 1
    moved = [draft.item(number) for number in wanted[same:]]
    if any(item.settled for item in moved):
        return
    for number in reversed(before[same:]):
        leave_place(draft, draft.item(number))
    former = {ref.change: item for item in moved for ref in item.changes}
    for item in moved:
        for ref in item.changes:
            enqueue(draft, draft.pipeline(item), ref, Manner(item.cause or ref.change, forced=True, former=former))


def leave_place(draft: Draft, item: Item) -> None:
    """Take an item out to put it in again elsewhere: builds end, nobody else is looked at for it."""
    apart(draft, item)
    draft.remove(stop(draft, draft.item(item.id)))


def pause(draft: Draft, event: PauseQueue) -> None:
    """A paused queue takes changes in and does nothing more; builds that run go on."""
    for queue in draft.all_queues():
        if queue.label != event.queue or queue.paused == event.paused or not _lasting(draft, queue):
            continue
        draft.put_queue(replace(queue, paused=event.paused, anew=queue.anew and event.paused))
        if event.paused:
            continue
        if queue.anew:
            test_anew(draft, queue.key)
        _go_on(draft, draft.queue(queue.key))


def _go_on(draft: Draft, queue: Queue) -> None:
    """Have all looked at, and those in the window worked on; it may be smaller now, and some not prepared."""
    for number in queue.line:
        draft.flag(number, Flag.STAY)
    looked_at = 0
    for number in queue.line:
        if not window.is_active(queue, draft.item(number)):
            break
        draft.flag(number, Flag.BASE | Flag.JOBS)
        looked_at += 1
    draft.put_queue(replace(queue, active=min(queue.active, looked_at)))
    draft.agenda.setdefault(queue.key, {})


def _lasting(draft: Draft, queue: Queue) -> bool:
    """Whether people know the queue by its name: those of an independent pipeline are one for each change."""
    pipeline = draft.layout.pipelines.get(queue.pipeline)
    return pipeline is not None and pipeline.manager is not Manager.INDEPENDENT


def hold(draft: Draft, event: HoldNodes) -> None:
    """Keep the nodes of the next failing builds (Zuul: autohold)."""
    draft.holds = (*draft.holds, Autohold(event.project, event.job, event.change, event.count))


# ---- the layout read again


def reload(draft: Draft, event: Reloaded) -> None:
    """Go on under another layout: what is still in it keeps its place and the jobs that were frozen for it.

    Zuul: only a new generation sees the new jobs; what has no queue any more is removed (gate-semantics 1.8).
    """
    before = draft.layout
    draft.layout = event.layout
    for queue in draft.all_queues():
        for number in tuple(queue.line):
            if draft.find(number) is not None:
                _settle_in(draft, draft.item(number), queue)
    for queue in draft.all_queues():
        _resize(draft, queue, before)
    make_queues(draft)
    for queue in draft.all_queues():
        for number in queue.line:
            item = draft.item(number)
            if item.stage is Stage.LOOKING:  # it may stand with one now that is being submitted
                draft.put(replace(item, stage=Stage.TESTED))
            draft.flag(number, Flag.STAY | Flag.BASE | Flag.JOBS)


def _resize(draft: Draft, queue: Queue, before: Layout) -> None:
    """The window of a queue under the new rule; queues that the layout does not name any more go when empty."""
    pipeline = draft.layout.pipelines.get(queue.pipeline)
    if pipeline is None or (not len(queue.line) and not _named(draft, queue)):
        draft.drop_queue(queue.key)
    elif pipeline.manager is Manager.DEPENDENT and queue.pipeline in before.pipelines:
        size = window.kept(pipeline.window, queue.window)
        draft.put_queue(replace(queue, window=size, active=min(queue.active, size) if size else queue.active))


def _named(draft: Draft, queue: Queue) -> bool:
    for spec in _queues_in(draft.layout, queue.pipeline):
        if queue.name.startswith(f"{spec.name}/") if spec.per_branch else queue.name == spec.name:
            return True
    return False


def _settle_in(draft: Draft, item: Item, old: Queue) -> None:
    """Find an item's queue in the new layout."""
    pipeline = draft.layout.pipelines.get(item.pipeline)
    key = _new_key(draft, item)
    if pipeline is not None and key is None and item.stage is Stage.LANDING and len(item.changes) > 1:
        _land_first(draft, item, pipeline)
    elif pipeline is None or key is None:
        leave(draft, item, Reason("reload", (item.pipeline,)))
    elif key != item.key and item.stage is Stage.REPORTING:
        end_reports(draft, item)
    elif key != item.key:
        _move(draft, item, pipeline, key, old)


def _land_first(draft: Draft, item: Item, pipeline: Pipeline) -> None:
    """A cycle for which there is no queue any more stays: a part of it may have landed, and so the rest has to.

    It stands beside the queues that its changes would have, which wait for it.
    """
    apart(draft, item)
    item = draft.item(item.id)
    key = opened(draft, item.key)
    draft.remove(item)
    draft.add(replace(item, queue=key[1]))
    for facts in filter(None, map(draft.facts, item.names)):
        found = queue_name(draft.layout, pipeline, facts)
        if found is not None:
            queue = draft.queue_or_none((pipeline.name, found[0])) or empty_queue(pipeline, found[0], found[0])
            draft.put_queue(replace(queue, beside=tuple(dict.fromkeys((*queue.beside, key[1])))))


def _move(draft: Draft, item: Item, pipeline: Pipeline, key: QueueKey, old: Queue) -> None:
    """To the end of another queue: with its builds, unless it comes behind one that is younger.

    One that is being submitted lands where it is, and goes beside a queue in which others stand. A queue
    that is not there yet is the old one under another name: it is as wide, and paused if that one was.
    """
    if draft.queue_or_none(key) is None:
        fresh = replace(empty_queue(pipeline, key[1], key[1]), paused=old.paused, anew=old.anew, landed=old.latest)
        size = window.kept(pipeline.window, old.window) if fresh.window else 0
        draft.put_queue(replace(fresh, window=size))
    apart(draft, item)
    item = draft.item(item.id)
    if item.stage is Stage.LANDING and len(draft.queue(key).line):
        key = opened(draft, key)
    if (draft.queue(key).line.last or 0) < item.id:
        draft.remove(item)
        moved = replace(item, queue=key[1])
    else:
        leave_place(draft, item)
        moved = Item(
            draft.number(),
            *key,
            item.changes,
            item.live,
            item.entered,
            item.needs,
            started=item.started,
            told=item.told,
            cause=item.cause,
        )
    draft.add(moved)
    if moved.stage is not Stage.WAITING:
        queue = draft.queue(key)
        draft.put_queue(replace(queue, active=len(queue.line)))


def _new_key(draft: Draft, item: Item) -> QueueKey | None:
    """The queue of the item in the new layout; None when there is none, or not the same one for all of a cycle."""
    pipeline = draft.layout.pipelines.get(item.pipeline)
    queue = draft.queue(item.key)
    if pipeline is None:
        return None
    if queue.dynamic and pipeline.manager is Manager.INDEPENDENT and not item.live:
        return item.key
    found = [queue_name(draft.layout, pipeline, f) for f in map(draft.facts, item.names) if f is not None]
    if not found or found[0] is None:
        return None
    if pipeline.manager is Manager.DEPENDENT and any(one is None or one[0] != found[0][0] for one in found):
        return None
    if queue.dynamic and (pipeline.manager is not Manager.DEPENDENT or queue.label == found[0][0]):
        return item.key
    return (item.pipeline, found[0][0])
