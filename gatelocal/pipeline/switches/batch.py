"""The switch ``batch``: changes that wait for nodes are tested together, a failing batch is split; it judges nobody.

Together: an item that comes behind one whose node requests have to wait takes its place. The last one's workspace
contains all of them, and its builds, one for each job, speak for all. Green, they land one after the other, in their
order, each in its turn like any other item (members.py says what ends that).

Apart: red, one of them at least is bad, and all that was built on them contains it. The queue remembers them as its
suspects. The first half of them is tested, together again; everything behind waits.

* The half is green: the bad one is among the rest, which are the suspects now. If only one is left, it is that one, and
  its red result is there already: it spoke for the batch.
* The half is red: it is split in turn; if it was a single item, that is the bad one.
* One of the suspects leaves, moves or begins anew: nobody is suspected any more, all are tested like anybody else.

Costs: the time of about log2(n) rounds when one of n is bad; between the landings of a batch the branch has contents
that were never tested by themselves. Guarantees: what a whole batch leaves on the branch was tested; order is kept;
nobody lands on the word of a batch that has come apart. Jobs that pass artifacts from change to change are never
batched.
"""

from __future__ import annotations

from gatelocal.model.record import replace
from gatelocal.pipeline.builds import complete, same_job
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.speculate import reset
from gatelocal.pipeline.state import Item, JobRun, Phase, Queue, Stage
from gatelocal.pipeline.switches.members import acquit, covered, fellows, spokesman

# ---- together

_NOT_BEGUN = (Phase.IDLE, Phase.NODE, Phase.SHORT)


def gather(draft: Draft, item: Item) -> Item:
    """Test an item together with those directly ahead that wait for nodes."""
    ahead = draft.find(item.ahead) if item.ahead else None
    if ahead is None or item.batch or draft.queue(item.key).suspects:
        return item
    if not _not_begun(item) or not _not_begun(ahead) or not any(run.phase is Phase.SHORT for run in ahead.runs):
        return item
    if ahead.preparation > item.preparation:
        return item  # it was prepared anew on what has landed beside the queue: this one's workspace does not have that
    return _together(draft, (*(one.id for one in fellows(draft, ahead)), item.id))


def _not_begun(item: Item) -> bool:
    return (
        item.stage is Stage.TESTED
        and bool(item.runs)
        and not covered(item)
        and all(run.phase in _NOT_BEGUN and not (run.builds or run.build) and _alone(run) for run in item.runs)
    )


def _alone(run: JobRun) -> bool:
    return run.control_of < 0 and not run.job.requires and not run.job.provides


def _together(draft: Draft, members: tuple[int, ...]) -> Item:
    """Let the last of them speak for all: it gets the jobs of all, the others wait."""
    runs = list(draft.item(members[-1]).runs)
    for number in members[:-1]:
        other = stop(draft, draft.item(number))
        for run in other.runs:
            _share(draft, runs, run)
        draft.put(replace(other, batch=members))
        draft.flag(number, Flag.JOBS)
    draft.flag(members[-1], Flag.JOBS)
    return draft.put(replace(draft.item(members[-1]), runs=tuple(runs), batch=members))


def _share(draft: Draft, runs: list[JobRun], fresh: JobRun) -> None:
    """Add a job, or let it be one with that of another member: what waits for it waits for that one."""
    for at, run in enumerate(runs):
        if same_job(draft, run, fresh.job, fresh.ref.change):
            runs[at] = replace(run, others=tuple(dict.fromkeys((*run.others, *fresh.refs))))
            return
    runs.append(JobRun(fresh.job, fresh.ref, others=fresh.others))


def is_done(draft: Draft, item: Item) -> bool:
    """Whether all builds that speak for an item have ended."""
    return complete(spokesman(draft, item))


# ---- apart


def is_red(item: Item) -> bool:
    """Whether a batch has failed, on the word of the item that speaks for it."""
    return bool(item.batch) and not covered(item) and any(run.red and run.phase is Phase.DONE for run in item.runs)


def split(draft: Draft, item: Item) -> None:
    """A batch has failed: suspect its members, throw away what was built on them, and test their first half."""
    members = fellows(draft, item)
    for one in members:
        draft.put(replace(one, batch=()))
    stop(draft, draft.item(item.id))
    queue = draft.queue(item.key)
    if len(members) == 1:
        draft.flag(item.id, Flag.JOBS)
        return
    queue = draft.put_queue(replace(queue, suspects=tuple(one.id for one in members)))
    behind = queue.line.after(item.id)
    while behind is not None:
        other = draft.item(behind)
        if not other.settled and other.stage is not Stage.WAITING:
            reset(draft, other)
        behind = queue.line.after(behind)
    _test_half(draft, queue)


def _test_half(draft: Draft, queue: Queue) -> None:
    half = queue.suspects[: len(queue.suspects) // 2]
    if len(half) > 1:
        _together(draft, half)
    draft.flag(half[-1], Flag.JOBS)


def held_back(queue: Queue, item: Item) -> bool:
    """Whether an item waits for the verdict on the first half of a batch that has failed."""
    return bool(queue.suspects) and item.id > queue.probe


def passed(draft: Draft, item: Item) -> None:
    """All builds of an item have ended well: the first of its batch may have its turn, suspicion moves on."""
    if item.failing or covered(item):
        return
    first = fellows(draft, item)[0]
    if first.id != item.id:
        draft.flag(first.id, Flag.JOBS)
    queue = draft.queue(item.key)
    if not queue.suspects or queue.probe != item.id:
        return
    rest = queue.suspects[len(queue.suspects) // 2 :]
    if len(rest) > 1:
        _test_half(draft, draft.put_queue(replace(queue, suspects=rest)))
    else:
        _convict(draft, draft.item(rest[0]))
        acquit(draft, queue)


def _convict(draft: Draft, item: Item) -> None:
    """Only this one can be the bad one: it spoke for the batch, and what it had not built then need not be built."""
    runs = tuple(
        run if run.phase is Phase.DONE else replace(run, phase=Phase.DONE, result="ABORTED") for run in item.runs
    )
    draft.put(replace(item, runs=runs))


def failed(draft: Draft, item: Item) -> None:
    """An item that was tested by itself is red: if it is the one that is tested for the suspects, it is the bad one."""
    queue = draft.queue(item.key)
    if queue.suspects and queue.probe == item.id:
        acquit(draft, queue)
