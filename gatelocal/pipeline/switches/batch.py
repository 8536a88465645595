"""The switch ``batch``: changes that wait for nodes are tested together, a failing batch is split; it judges nobody.

An item that comes behind one whose node requests have to wait takes its place: the last one's workspace contains all
of them, and its builds, one for each job, speak for all. They land one after the other, in their order, as one landing.
When such a build is red, one of them is bad: the first half is tested by itself, everything behind waits. If that is
green, the bad one is in the other half; if only the last is left, it is that one, and its red result is there already.
If the first half is red, it is split in turn. So a bad change among n costs about log2(n) rounds instead of n builds.

It costs time when a batch fails, and between the landings of a batch the branch has contents that were never tested by
themselves. It guarantees that what a whole batch leaves on the branch was tested, and that order is kept. Jobs that
pass artifacts from change to change are never batched.
"""

from __future__ import annotations

from gatelocal.model.evolve import replace
from gatelocal.pipeline.builds import complete, same_job
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.speculate import reset
from gatelocal.pipeline.state import Item, JobRun, Phase, Queue, Stage
from gatelocal.pipeline.switches.members import clear, fellows

_NOT_BEGUN = (Phase.IDLE, Phase.NODE, Phase.SHORT)


def gather(draft: Draft, item: Item) -> Item:
    """Test an item together with those directly ahead that wait for nodes."""
    ahead = draft.find(item.ahead) if item.ahead else None
    if ahead is None or item.batch or draft.queue(item.key).suspects:
        return item
    if not _not_begun(item) or not _not_begun(ahead) or not any(run.phase is Phase.SHORT for run in ahead.runs):
        return item
    return _together(draft, (*(ahead.batch or (ahead.id,)), item.id))


def _not_begun(item: Item) -> bool:
    return (
        item.stage is Stage.TESTED
        and bool(item.runs)
        and (not item.batch or item.batch[-1] == item.id)
        and all(run.phase in _NOT_BEGUN and not run.builds and _alone(run) for run in item.runs)
    )


def _alone(run: JobRun) -> bool:
    return run.control_of < 0 and not run.job.requires and not run.job.provides


def _together(draft: Draft, members: tuple[int, ...]) -> Item:
    """Let the last of them speak for all: it gets the jobs of all, the others wait."""
    last = draft.item(members[-1])
    runs = list(last.runs)
    for number in members[:-1]:
        other = stop(draft, draft.item(number))
        for run in other.runs:
            if not any(same_job(draft, one, run.job, run.ref.change) for one in runs):
                runs.append(JobRun(run.job, run.ref))
        draft.put(replace(other, batch=members))
        draft.flag(number, Flag.JOBS)
    draft.flag(last.id, Flag.JOBS)
    return draft.put(replace(last, runs=tuple(runs), batch=members))


def is_red(item: Item) -> bool:
    """Whether a batch has failed, on the word of the item that speaks for it."""
    return len(item.batch) > 1 and any(run.red and run.phase is Phase.DONE for run in item.runs)


def split(draft: Draft, item: Item) -> Item:
    """A batch has failed: test its first half, and hold back the rest and all behind it."""
    queue = draft.queue(item.key)
    before = queue.suspects
    draft.put_queue(replace(queue, suspects=item.batch))
    for number in item.batch:
        draft.put(replace(draft.item(number), batch=()))
    item = stop(draft, draft.item(item.id))
    behind = queue.line.after(item.id)
    while behind is not None:
        other = draft.item(behind)
        if other.stage is Stage.WAITING and behind not in before:
            break
        if not other.settled:
            reset(draft, other)
        behind = queue.line.after(behind)
    _probe(draft, item)
    return draft.item(item.id)


def _probe(draft: Draft, item: Item) -> None:
    suspects = draft.queue(item.key).suspects
    half = suspects[: len(suspects) // 2]
    if len(half) > 1:
        _together(draft, half)
    draft.flag(half[-1], Flag.JOBS)


def held_back(draft: Draft, item: Item) -> bool:
    """Whether an item waits for the verdict on the first half of a batch that has failed."""
    queue = draft.queue(item.key)
    return bool(queue.suspects) and item.id > queue.probe


def green(draft: Draft, item: Item) -> None:
    """All builds that speak for an item have ended: the first of its batch may have its turn, suspicion moves on."""
    if item.failing:
        return
    if item.batch and item.batch[-1] == item.id:
        first = fellows(draft, item)[0]
        draft.flag(first.id, Flag.JOBS)
    queue = draft.queue(item.key)
    if queue.suspects and queue.probe == item.id:
        _proved(draft, item, queue)


def _proved(draft: Draft, item: Item, queue: Queue) -> None:
    """The first half of the suspects is green: the bad one is among the others."""
    rest = queue.suspects[len(queue.suspects) // 2 :]
    if len(rest) > 1:
        draft.put_queue(replace(queue, suspects=rest))
        _probe(draft, item)
        return
    culprit = draft.item(rest[0])
    runs = tuple(
        run if run.phase is Phase.DONE else replace(run, phase=Phase.DONE, result="ABORTED") for run in culprit.runs
    )
    draft.put(replace(culprit, runs=runs))
    clear(draft, queue)


def found(draft: Draft, item: Item) -> None:
    """An item that was tested by itself is red: it is the bad one."""
    queue = draft.queue(item.key)
    if queue.suspects and queue.probe == item.id and not item.batch:
        clear(draft, queue)


def is_done(draft: Draft, item: Item) -> bool:
    """Whether all builds that speak for an item have ended."""
    last = draft.find(item.batch[-1]) if item.batch else item
    return last is not None and complete(last)
