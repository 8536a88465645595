"""The switch ``late_restart``: what a failure has restarted is built late, and the failed job first; it judges nothing.

A follower of a failure has contained what failed, and so has everybody between. Classic builds all of them again at
once; if the next one is bad as well, that was for nothing. With the switch a follower is built again only when nothing
that it is built on is in doubt: all voting builds of the failed job there are green, and no red result there is being
confirmed. Then the failed job comes first, the others when it has ended; if it has failed again, they are not built:
whatever becomes of those ahead, their results would not be used.

It costs time: those behind a failure wait for each other's builds of one job; and a bad follower is told of that job
only. It guarantees that a second bad change costs its followers no build, and itself no more than that one.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatelocal.model.record import replace
from gatelocal.pipeline.builds import parents, skip
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.state import Item, Phase, Stage, State


def suspect(draft: Draft, item: Item) -> None:
    """An item has begun to fail: remember with those that were built behind it which of its jobs have failed."""
    failed = [run.job.name for run in item.runs if run.red]
    line = draft.queue(item.key).line
    number = line.after(item.id)
    while failed and number is not None:
        other = draft.item(number)
        if other.stage is Stage.WAITING and not other.suspicion:
            return
        if not other.settled:
            draft.put(replace(other, suspicion=tuple(dict.fromkeys((*other.suspicion, *failed)))))
        number = line.after(number)


def doubtful(state: Draft | State, item: Item) -> Item | None:
    """The nearest item that this one is built on and that is in doubt."""
    for ahead in _chain(state, item):
        spoken_for = ahead.batch and ahead.batch[-1] != ahead.id
        if not spoken_for and _in_doubt(ahead, item.suspicion):
            return ahead
    return None


def _chain(state: Draft | State, item: Item) -> Iterator[Item]:
    find = state.find if isinstance(state, Draft) else state.items.get
    ahead = find(item.ahead) if item.ahead else None
    while ahead is not None:
        yield ahead
        ahead = find(ahead.ahead) if ahead.ahead else None


def _in_doubt(ahead: Item, jobs: tuple[str, ...]) -> bool:
    if not (ahead.settled or ahead.stage in (Stage.TESTED, Stage.LOOKING)):
        return True
    open_runs = [run for run in ahead.runs if run.control_of < 0 and run.job.voting and run.phase is not Phase.DONE]
    return any(run.first or run.job.name in jobs for run in open_runs)


def first(item: Item) -> frozenset[int] | None:
    """The only runs that may start for now: the failed jobs with all that they wait for; None: all may."""
    places = [at for at, run in enumerate(item.runs) if run.job.name in item.suspicion and run.control_of < 0]
    if all(item.runs[at].phase is Phase.DONE for at in places):
        return None
    before = [number for at in places for number in parents(item, at)]
    controls = [at for at, run in enumerate(item.runs) if run.control_of >= 0]
    return frozenset((*places, *before, *controls))


def given_up(draft: Draft, item: Item) -> Item:
    """The item has failed, and its other jobs are of no use: it is rejected, or what is ahead leaves and all is built
    again. Only with ``reuse`` a result may survive that, of a job that says what it reads.
    """
    of_use = [bool(run.job.files or run.job.irrelevant) and draft.policy.reuse for run in item.runs]
    red = next(run.job.name for run in item.runs if run.red)
    return skip(draft, item, [at for at, wanted in enumerate(of_use) if not wanted], f"{red} did not succeed")


def begun(item: Item) -> frozenset[int]:
    """The only runs that may go on while something ahead is in doubt: those that have their node."""
    return frozenset(at for at, run in enumerate(item.runs) if run.phase is Phase.READY or run.control_of >= 0)
