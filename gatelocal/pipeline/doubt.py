"""The switches ``confirm`` and ``pause_on_broken_trunk``: when a red result counts, and what it counts against.

``confirm``: a failed voting job is built once more on the same workspace, and those behind run on; green then, it was
green. Red again, it counts, or, while the same job of an item that this one is built on is in doubt, when that one is
cleared: otherwise it is reset anyhow. It costs one build per red result, and a change that brings a flake of rate p
gets in with 1 - p² instead of 1 - p. It guarantees that one flake resets and rejects nobody.
``pause_on_broken_trunk``: it is built on the bare trunk as well, beside the confirmation, unless it is known to be
green there without this change. Red there too, the queue is paused and nobody is rejected. It costs one build per red
result whose innocence is not known; it guarantees that nobody is rejected for the trunk's own failure.
"""

from __future__ import annotations

from gatelocal.model.record import replace
from gatelocal.pipeline import texts
from gatelocal.pipeline.actions import Prepare
from gatelocal.pipeline.builds import finish
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.leave import inform
from gatelocal.pipeline.resources import keep_node, release
from gatelocal.pipeline.reuse import same_for
from gatelocal.pipeline.state import Item, JobRun, Phase
from gatelocal.pipeline.switches.beside import stopped

_DOUBTFUL = ("FAILURE", "TIMED_OUT", "POST_FAILURE")


def ended(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    """A build has ended for good: its result counts, unless a switch wants to know more first.

    :param run: the run with its result, not yet in the item.
    """
    if run.control_of >= 0:
        return _control_ended(draft, item, at, run)
    doubtful = (
        run.job.voting and run.result in _DOUBTFUL and (draft.policy.confirm or draft.policy.pause_on_broken_trunk)
    )
    if not doubtful:
        return finish(draft, item, at, run)
    first = not run.first
    if (first or run.unproved) and draft.policy.pause_on_broken_trunk and not _known_green(draft, item, run):
        item = _start_control(draft, item, at, run)
    release(draft, item, at, run)
    keep_node(draft, item, run)
    if first and draft.policy.confirm:
        anew = replace(run, phase=Phase.IDLE, result="", first=run.result, doomed=False, holding=False)
        return draft.put(_with(item, at, anew))
    doubted = replace(run, phase=Phase.DOUBT, first=run.result, result="", holding=False, unproved=False)
    return _judge(draft, _with(item, at, doubted), at)


def again(draft: Draft, item: Item) -> Item:
    """Look again at what waits for a verdict ahead."""
    for at, run in enumerate(item.runs):
        if run.phase is Phase.DOUBT:
            item = _judge(draft, item, at)
    return item


def _suspect_ahead(draft: Draft, item: Item, run: JobRun) -> bool:
    """Whether the same job of an item that this one is built on is in doubt."""
    ahead = draft.find(item.ahead) if item.ahead else None
    while ahead is not None:
        for one in ahead.runs:
            if one.first and one.phase is not Phase.DONE and one.job.name == run.job.name:
                return True
        ahead = draft.find(ahead.ahead) if ahead.ahead else None
    return False


def _with(item: Item, at: int, run: JobRun) -> Item:
    return replace(item, runs=(*item.runs[:at], run, *item.runs[at + 1 :]))


def _control(item: Item, at: int) -> JobRun | None:
    return next((run for run in item.runs if run.control_of == at), None)


def _judge(draft: Draft, item: Item, at: int) -> Item:
    """A red result is certain; it counts as soon as the bare trunk is known to be good, and who is ahead as well."""
    run = item.runs[at]
    control = _control(item, at)
    if draft.policy.confirm and _suspect_ahead(draft, item, run):
        return draft.put(item)
    if control is not None and control.phase is not Phase.DONE:
        return draft.put(item)
    if control is not None and control.result in _DOUBTFUL:
        return _broken_trunk(draft, draft.put(item))
    return finish(draft, item, at, replace(run, phase=Phase.DONE, result=run.first))


def _start_control(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    facts = draft.facts(run.ref.change)
    branch = (facts.project, facts.branch) if facts else ("", "")
    asked = draft.act(Prepare(draft.number(), item.id, item.generation, changes=(), branches=(branch,)))
    job = replace(run.job, dependencies=(), requires=frozenset(), provides=frozenset(), hold_following=False)
    control = JobRun(job, run.ref, Phase.PREPARING, control_of=at, preparation=asked)
    return draft.put(replace(item, runs=(*item.runs, control)))


def _control_ended(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    item = finish(draft, item, at, run)
    facts = draft.facts(run.ref.change)
    if run.result == "SUCCESS" and facts is not None:
        tip = draft.tip((facts.project, facts.branch))
        if tip is not None:
            draft.put_proved((facts.project, facts.branch, run.job.name), tip)
    if item.runs[run.control_of].phase is Phase.DOUBT:
        return _judge(draft, item, run.control_of)
    return item


def _known_green(draft: Draft, item: Item, run: JobRun) -> bool:
    """Whether a green build of this job without this change is known on the present tip."""
    facts = draft.facts(run.ref.change)
    if facts is None:
        return False
    branch = (facts.project, facts.branch)
    tip = draft.tip(branch)
    proved = draft.proved((*branch, run.job.name))
    if tip is not None and proved is not None and same_for(draft, run.job, (*branch, proved), tip):
        return True
    ahead = draft.queue(item.key).line.before(item.id)
    while ahead is not None:
        other = draft.item(ahead)
        if (*branch, tip) in other.bases and any(_green(draft, one, run, branch) for one in other.runs):
            return True
        ahead = draft.queue(item.key).line.before(ahead)
    return False


def _green(draft: Draft, one: JobRun, run: JobRun, branch: tuple[str, str]) -> bool:
    facts = draft.facts(one.ref.change)
    same = facts is not None and (facts.project, facts.branch) == branch and one.job.name == run.job.name
    return same and one.result == "SUCCESS" and one.control_of < 0


def _broken_trunk(draft: Draft, item: Item) -> Item:
    """Pause the queue, tell it on the head, reject nobody; after `resume` all are tested anew."""
    if draft.queue(item.key).anew:
        return item
    queue = stopped(draft, item.key)
    head = draft.item(queue.line.first or item.id)
    names = tuple(run.job.name for run in item.runs if run.control_of >= 0 and run.result in _DOUBTFUL)
    text = texts.broken_trunk(item.pipeline, names, queue.label)
    inform(draft, item.pipeline, head.changes[-1], head.id, "info", text)
    return item
