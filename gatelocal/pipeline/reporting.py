"""Reporter jobs: what runs when an item has been reported, while nothing else of its queue is looked at; it lands none.

Zuul 14's job type ``reporter`` (gate-semantics 1.12): the jobs run after the merge, on the workspace that was tested;
their results cannot change what has happened. If one fails, those built on the item are tested again.
"""

from __future__ import annotations

from gatelocal.model.layout import JobKind
from gatelocal.model.record import replace
from gatelocal.pipeline.builds import advance, caught_up, fail_fast
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.state import GREEN, Item, JobRun, Phase, Queue, Stage
from gatelocal.pipeline.switches.members import covered


def begin(draft: Draft, item: Item) -> bool:
    """Begin with the reporter jobs of an item, if it has any; the queue stands still until they have ended."""
    if not item.reporters:
        return False
    own = () if covered(item) else item.runs
    caught_up(draft, replace(item, stage=Stage.REPORTING, runs=(*own, *item.reporters), reporters=()))
    draft.put_queue(replace(draft.queue(item.key), reporting=item.id))
    draft.flag(item.id, Flag.JOBS)
    return True


def stands_still(draft: Draft, queue: Queue) -> bool:
    """Whether reporter jobs run for an item of the queue."""
    item = draft.find(queue.reporting) if queue.reporting else None
    return item is not None and item.stage is Stage.REPORTING and item.key == queue.key


def carry_on(draft: Draft, item: Item) -> bool:
    """Start what may start of the reporter jobs; true when all have ended."""
    if draft.queue(item.key).paused:
        return False
    mine = frozenset(at for at, run in enumerate(item.runs) if run.job.kind is JobKind.REPORTER)
    item = advance(draft, item, mine)
    if any(run.red for run in _of(item)):
        item = fail_fast(draft, item)
    return all(run.phase is Phase.DONE for run in _of(item))


def failed(item: Item) -> tuple[str, ...]:
    """The voting reporter jobs that have not succeeded; all, when none of them has run (Zuul)."""
    mine = _of(item)
    ran = any(run.result != "SKIPPED" for run in mine)
    return tuple(run.job.name for run in mine if (run.job.voting and run.result not in GREEN) or not ran)


def end(draft: Draft, item: Item) -> None:
    """The queue goes on: all are looked at, for nobody was meanwhile."""
    queue = draft.put_queue(replace(draft.queue(item.key), reporting=0))
    for place, number in enumerate(queue.line):
        draft.flag(number, Flag.STAY | Flag.BASE | Flag.JOBS if place < queue.active else Flag.STAY)


def _of(item: Item) -> list[JobRun]:
    return [run for run in item.runs if run.job.kind is JobKind.REPORTER]
