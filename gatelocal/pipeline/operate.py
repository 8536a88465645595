"""What operators do to queues, and the layout read again (gate-semantics 1.11, 1.8, 1.5)."""

from __future__ import annotations

from gatelocal.errors import ConfigurationError
from gatelocal.model.evolve import replace
from gatelocal.model.facts import Ref
from gatelocal.model.layout import JobSpec, Layout, Manager
from gatelocal.pipeline import window
from gatelocal.pipeline.builds import complete
from gatelocal.pipeline.changes import update
from gatelocal.pipeline.draft import Draft, Flag, empty_queue
from gatelocal.pipeline.enqueue import enqueue
from gatelocal.pipeline.events import Dequeue, Enqueue, HoldNodes, PauseQueue, Promote, Reloaded
from gatelocal.pipeline.freeze import jobs_of
from gatelocal.pipeline.land import test_anew
from gatelocal.pipeline.leave import leave
from gatelocal.pipeline.ready import queue_name
from gatelocal.pipeline.resources import halted
from gatelocal.pipeline.state import Autohold, Item, JobRun, Phase, Queue, QueueKey, Reason, Stage


def make_queues(draft: Draft) -> None:
    """Make the queues that the layout names: those of dependent and serial pipelines are always there."""
    for pipeline in draft.layout.pipelines.values():
        if pipeline.manager not in (Manager.DEPENDENT, Manager.SERIAL):
            continue
        for project in draft.layout.projects.values():
            spec = draft.layout.queues.get(project.queue)
            name = project.queue or project.name
            known = draft.queue_or_none((pipeline.name, name)) is not None
            if pipeline.name in project.pipelines and not known and not (spec and spec.per_branch):
                draft.put_queue(empty_queue(pipeline, name, name))


def enqueue_by_hand(draft: Draft, event: Enqueue) -> None:
    """Requirements and trigger do not count, dependencies and readiness do."""
    update(draft, event.facts)
    for facts in event.related:
        update(draft, facts)
    enqueue(draft, draft.layout.pipelines[event.pipeline], event.facts.ref, forced=True)


def dequeue(draft: Draft, event: Dequeue) -> None:
    """The live items of a change go; those behind are tested again."""
    for number in draft.where(event.change):
        item = draft.find(number)
        wanted = item is not None and item.live and event.pipeline in ("", item.pipeline)
        if item is not None and wanted and item.stage is not Stage.LANDING:
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
    before = tuple(draft.queue(key).line)
    wanted = (*chosen, *(number for number in before if number not in chosen))
    same = 0
    while same < len(before) and before[same] == wanted[same]:
        same += 1
    moved = [draft.item(number) for number in wanted[same:]]
    if any(item.stage is Stage.LANDING for item in moved):
        return
    for number in before[same:]:
        leave_place(draft, draft.item(number))
    for item in moved:
        fresh = Item(
            draft.number(), *key, item.changes, True, item.entered, item.needs, started=item.started, told=item.told
        )
        draft.add(replace(fresh, kept=item.kept))
        draft.flag(fresh.id, Flag.STAY | Flag.BASE)


def leave_place(draft: Draft, item: Item) -> None:
    """Take an item out to put it in again elsewhere: builds end, nobody else is looked at for it."""
    for at, run in enumerate(item.runs):
        halted(draft, item, at, run)
    draft.remove(item)


def pause(draft: Draft, event: PauseQueue) -> None:
    """A paused queue takes changes in and does nothing more; builds that run go on."""
    for queue in draft.all_queues():
        if queue.label != event.queue or queue.paused == event.paused:
            continue
        draft.put_queue(replace(queue, paused=event.paused, anew=queue.anew and event.paused))
        if event.paused:
            continue
        if queue.anew:
            test_anew(draft, queue.key)
        for number in queue.line:
            if not window.is_active(draft.queue(queue.key), draft.item(number)):
                break
            draft.flag(number, Flag.BASE | Flag.JOBS)
        draft.agenda.setdefault(queue.key, {})


def hold(draft: Draft, event: HoldNodes) -> None:
    """Keep the nodes of the next failing builds (Zuul: autohold)."""
    draft.holds = (*draft.holds, Autohold(event.project, event.job, event.change, event.count))


# ---- the layout read again


def reload(draft: Draft, event: Reloaded) -> None:
    """Go on under another layout: what is still in it keeps its place and, by their names, its builds."""
    draft.layout = event.layout
    for item in tuple(draft.all_items()):
        if draft.find(item.id) is not None:
            _replace_item(draft, item, event.layout)
    for queue in draft.all_queues():
        pipeline = draft.layout.pipelines.get(queue.pipeline)
        if pipeline is None:
            draft.drop_queue(queue.key)
        elif pipeline.manager is Manager.DEPENDENT:
            draft.put_queue(replace(queue, window=window.kept(pipeline.window, queue.window)))
        if pipeline is not None and not len(queue.line) and not _named(draft, queue):
            draft.drop_queue(queue.key)
    make_queues(draft)
    for queue in draft.all_queues():
        for number in queue.line:
            draft.flag(number, Flag.STAY | Flag.BASE | Flag.JOBS)


def _named(draft: Draft, queue: Queue) -> bool:
    for project in draft.layout.projects.values():
        spec = draft.layout.queues.get(project.queue)
        name = project.queue or project.name
        fits = queue.name.startswith(f"{name}/") if spec and spec.per_branch else queue.name == name
        if queue.pipeline in project.pipelines and fits:
            return True
    return False


def _replace_item(draft: Draft, item: Item, layout: Layout) -> None:
    pipeline = layout.pipelines.get(item.pipeline)
    key = _new_key(draft, item)
    if pipeline is None or key is None:
        leave(draft, item, Reason("reload", (item.pipeline,)))
        return
    if key != item.key:
        leave_place(draft, item)
        if draft.queue_or_none(key) is None:
            draft.put_queue(empty_queue(pipeline, key[1], key[1]))
        fresh = Item(draft.number(), *key, item.changes, item.live, item.entered, item.needs, started=item.started)
        draft.add(fresh)
        return
    if item.stage is Stage.TESTED and item.layout is None and not (complete(item) and item.ahead == 0):
        _replace_jobs(draft, item, layout)


def _new_key(draft: Draft, item: Item) -> QueueKey | None:
    """The queue of the item in the new layout; None when its project is not in the pipeline any more."""
    pipeline = draft.layout.pipelines.get(item.pipeline)
    queue = draft.queue(item.key)
    if pipeline is None:
        return None
    if queue.dynamic and pipeline.manager is Manager.INDEPENDENT and not item.live:
        return item.key
    found = [queue_name(draft.layout, pipeline, f) for f in map(draft.facts, item.names) if f is not None]
    if not found or found[0] is None:
        return None
    return item.key if queue.dynamic else (item.pipeline, found[0][0])


def _replace_jobs(draft: Draft, item: Item, layout: Layout) -> None:
    """Jobs that are still there keep their builds, others are stopped, new ones begin.

    The place of a run is part of what answers carry: a job that has gone leaves its place empty.
    """
    try:
        wanted = {(job.name, ref): job for ref in item.changes for job in _jobs(draft, layout, item, ref)}
    except ConfigurationError:
        return
    runs: list[JobRun] = []
    for at, run in enumerate(item.runs):
        job = wanted.pop((run.job.name, run.ref), None) if run.control_of < 0 else run.job
        gone = replace(halted(draft, item, at, run), phase=Phase.DONE, result="", control_of=at) if job is None else run
        runs.append(replace(gone, job=job or run.job))
    runs += [JobRun(job, ref) for (_, ref), job in wanted.items()]
    draft.put(replace(item, runs=tuple(runs)))


def _jobs(draft: Draft, layout: Layout, item: Item, ref: Ref) -> tuple[JobSpec, ...]:
    facts = draft.facts(ref.change)
    return jobs_of(layout, facts, item.pipeline) if facts is not None else ()
