"""The switch ``reuse``: a result, and a build on its way to one, survives a reset if the job's inputs are the same.

The inputs of a job are the paths in its ``files`` (without ``files`` all), those in ``irrelevant-files`` never. What is
not known for certain counts as changed, and so does another order of merging, but with ``overtake``. Only green results
survive when the trunk itself has moved by another hand or was broken. It costs a comparison per job; it guarantees what
the ``files`` of the job promise and no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.model.facts import Ref
from gatelocal.model.layout import JobSpec
from gatelocal.model.record import replace
from gatelocal.pipeline.actions import CancelBuild, NoteReuse
from gatelocal.pipeline.draft import Draft, main_queue
from gatelocal.pipeline.events import BuildDone, BuildPaused
from gatelocal.pipeline.inputs import touches
from gatelocal.pipeline.resources import stop_going
from gatelocal.pipeline.state import Item, JobRun, Kept, Phase, Step, Tip

_RED = ("FAILURE", "TIMED_OUT", "POST_FAILURE")

_FAR = 1000
"""Landings; what is older is not compared."""


def results(draft: Draft, item: Item, *, red: bool) -> tuple[Kept, ...]:
    """The results of this generation, and of earlier ones where this one has none.

    :param red: not only green ones. What the machinery did to a build is no result.
    """
    wanted = ("SUCCESS", *_RED) if red else ("SUCCESS",)
    fresh = {
        (run.job.name, run.ref): _kept(draft, item, run)
        for run in item.runs
        if run.phase is Phase.DONE and run.result in wanted and run.control_of < 0 and (run.build or run.reused)
    }
    old = tuple(one for one in item.kept if (one.run.job.name, one.run.ref) not in fresh and one.run.result in wanted)
    return (*old, *fresh.values())


def _kept(draft: Draft, item: Item, run: JobRun) -> Kept:
    return Kept(run, item.bases, item.content, main_queue(draft, item.key).latest)


def running(draft: Draft, item: Item) -> tuple[Kept, ...]:
    """The builds that may go on when the item is reset: those that hold nothing and read nothing of what has left."""
    runs = () if item.batch else item.runs
    now = (_kept(draft, item, run) for run in runs if run.phase is Phase.RUNNING and _is_free(run))
    return tuple(one for one in (*item.going, *now) if not _is_hopeless(draft, item, one))


def _is_hopeless(draft: Draft, item: Item, kept: Kept) -> bool:
    """Whether a change that the job reads was in the workspace and will not be in the next one."""
    return any(_has_left(draft, item, ref) and _ref_touches(draft, kept.run.job, ref) for ref in kept.content)


def _has_left(draft: Draft, item: Item, ref: Ref) -> bool:
    facts = draft.facts(ref.change)
    if facts is None or facts.status == "MERGED":
        return facts is None
    holder = draft.holding(item.pipeline, ref.change)
    return holder is None or ref not in holder.changes or (holder.failing and holder.id != item.id)


def _is_free(run: JobRun) -> bool:
    job = run.job
    bound = job.dependencies or job.requires or job.semaphores
    part = job.files or job.irrelevant
    return bool(part) and not bound and not run.doomed and run.control_of < 0


def without(draft: Draft, item: Item, files: tuple[str, ...]) -> Item:
    """The item after paths have changed in a branch that it need not be prepared on: what reads them is of no use.

    :param files: none when they are not known.
    """
    kept = tuple(one for one in item.kept if not touches(one.run.job, files))
    spare = frozenset(one.run.build for one in item.going if not touches(one.run.job, files))
    going = tuple(one for one in item.going if one.run.build in spare)
    if (kept, going) == (item.kept, item.going):
        return item
    return draft.put(replace(stop_going(draft, item, spare), kept=kept, going=going))


def taken_over(draft: Draft, item: Item, run: JobRun) -> JobRun:
    """The run with what an earlier generation has for the same job on the same inputs: a result, or a running build."""
    if run.job.requires:
        return run
    for kept in (*item.kept, *item.going):
        old = kept.run
        if (old.ref, old.job, old.others) != (run.ref, run.job, run.others) or not _same_inputs(draft, kept, item):
            continue
        if old.phase is Phase.RUNNING:
            return replace(run, phase=old.phase, build=old.build, first=old.first, unproved=bool(old.first))
        build = old.reused or old.build
        draft.act(NoteReuse(draft.number(), item.id, run.ref, run.job.name, build))
        done = replace(run, phase=Phase.DONE, result=old.result, children=old.children)
        return replace(done, reused=build, artifacts=old.artifacts)
    return run


def settled(draft: Draft, item: Item) -> Item:
    """The item, prepared: the builds of earlier generations that it has taken over are its own, the others end."""
    own = frozenset(run.build for run in item.runs if run.phase is Phase.RUNNING)
    return stop_going(draft, item, own)


def ended(draft: Draft, item: Item, event: BuildDone | BuildPaused) -> None:
    """A build of an earlier generation has ended before it was known whether it is of use; a green result may be.

    One that pauses waits for children that it will never have: it is stopped.
    """
    for one in item.going:
        if one.run.build != event.build:
            continue
        rest = replace(item, going=tuple(other for other in item.going if other is not one))
        if isinstance(event, BuildPaused):
            draft.act(CancelBuild(draft.number(), event.build))
        elif event.result == "SUCCESS":
            done = replace(one.run, phase=Phase.DONE, result=event.result, children=event.children)
            done = replace(done, artifacts=event.artifacts)
            rest = replace(rest, kept=(*rest.kept, replace(one, run=done)))
        draft.put(rest)


def same_for(draft: Draft, job: JobSpec, known: tuple[str, str, str], tip: str) -> bool:
    """Whether a tip has what a known tip of that branch had, as far as it is an input of the job."""
    project, branch, old = known
    if old == tip:
        return True
    if not draft.policy.reuse:
        return False
    steps = _added(draft, ((project, branch, old),), ((project, branch, tip),))
    return steps is not None and not any(touches(job, step.files) for step in steps)


def _same_inputs(draft: Draft, kept: Kept, item: Item) -> bool:
    added, landed = _added(draft, kept.bases, item.bases), _landed_since(draft, item, kept.after)
    if added is None or landed is None:
        return False
    if any(touches(kept.run.job, step.files) for step in added if step.ref is None):
        return False
    earlier = (step.ref for step in (*reversed(added), *reversed(landed)) if step.ref is not None)
    now, before = dict.fromkeys((*earlier, *item.content)), dict.fromkeys(kept.content)
    if any(_ref_touches(draft, kept.run.job, ref) for ref in now.keys() ^ before.keys()):
        return False
    return draft.policy.overtake or _in_order(draft, kept.run.job, now) == _in_order(draft, kept.run.job, before)


def _in_order(draft: Draft, job: JobSpec, refs: Iterable[Ref]) -> dict[str, list[Ref]]:
    """What the job reads, as it is merged one after the other: for each project, as the order matters in one only."""
    found: dict[str, list[Ref]] = {}
    for ref in refs:
        facts = draft.facts(ref.change)
        if facts is not None and _ref_touches(draft, job, ref):
            found.setdefault(facts.project, []).append(ref)
    return found


def _landed_since(draft: Draft, item: Item, after: Tip) -> list[Step] | None:
    """What has landed out of the item's queue, or beside it, on any branch; None when it is not known, or too much."""
    steps: list[Step] = []
    tip = main_queue(draft, item.key).latest
    while tip != after:
        step = draft.step(tip)
        if step is None or step.earlier is None or len(steps) == _FAR:
            return None
        steps.append(step)
        tip = step.earlier
    return steps


def _added(draft: Draft, old: tuple[Tip, ...], new: tuple[Tip, ...]) -> list[Step] | None:
    """What every branch gained from the old tips to the new ones; None when that is not known, or too much.

    A branch without a new one is where the gate knows it to be.
    """
    now = {(project, branch): tip for project, branch, tip in new}
    steps: list[Step] = []
    for project, branch, first in old:
        tip = now.get((project, branch)) or draft.tip((project, branch)) or first
        while tip != first:
            step = draft.step((project, branch, tip))
            if step is None or len(steps) == _FAR:
                return None
            steps.append(step)
            tip = step.before
    return steps


def _ref_touches(draft: Draft, job: JobSpec, ref: Ref) -> bool:
    facts = draft.facts(ref.change)
    return facts is None or facts.patchset != ref.patchset or touches(job, facts.files)
