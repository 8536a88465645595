"""The jobs of an item: which may start, what an answer means for them and for the item; it judges no item.

Rules: Zuul's job graph (gate-semantics 1.12) and its retries (1.13).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from gatelocal.errors import ConfigurationError
from gatelocal.model.evolve import replace
from gatelocal.model.layout import JobSpec, Manager
from gatelocal.pipeline.actions import RequestNode, ResumeBuild, StartBuild
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.freeze import NOOP, jobs_of
from gatelocal.pipeline.resources import halted, keep_node, release, take
from gatelocal.pipeline.reuse import taken_over
from gatelocal.pipeline.state import Item, JobRun, Phase, Stage

_MACHINERY = ("LOST", "STOPPED")


def freeze(draft: Draft, item: Item) -> Item:
    """Decide which jobs run for a prepared item.

    Members of a cycle share a job that is the same for both (Zuul: ``deduplicate``).
    """
    layout = item.layout or draft.layout
    runs: list[JobRun] = []
    try:
        for ref in item.changes:
            facts = draft.facts(ref.change)
            for job in jobs_of(layout, facts, item.pipeline) if facts is not None else ():
                if not any(_same(draft, run, job, ref.change) for run in runs):
                    runs.append(JobRun(job, ref))
    except ConfigurationError as error:
        return draft.put(replace(item, stage=Stage.BROKEN, problem=error.brief))
    if draft.policy.reuse:
        runs = [taken_over(draft, item, run) for run in runs]
    return draft.put(replace(item, stage=Stage.TESTED, runs=tuple(runs)))


def _same(draft: Draft, run: JobRun, job: JobSpec, change: str) -> bool:
    if run.job != job or job.deduplicate is False:
        return False
    one, other = draft.facts(run.ref.change), draft.facts(change)
    same_project = one is not None and other is not None and one.project == other.project
    return bool(job.deduplicate or job.required_projects or same_project)


# ---- the graph


def parent(item: Item, run: JobRun, name: str) -> int:
    """The run of the same change, or of the cycle, that a job's dependency means; -1 when it does not run."""
    fallback = -1
    for at, other in enumerate(item.runs):
        if other.job.name == name and other.control_of < 0:
            if other.ref == run.ref:
                return at
            fallback = at
    return fallback


def _parents(item: Item, at: int, *, soft: bool = True) -> set[int]:
    """All runs that this one waits for, directly or not."""
    found: set[int] = set()
    pending = [at]
    while pending:
        run = item.runs[pending.pop()]
        for name, is_soft in run.job.dependencies:
            number = parent(item, run, name)
            if number >= 0 and number not in found and (soft or not is_soft):
                found.add(number)
                pending.append(number)
    return found


def _children(item: Item, at: int, *, soft: bool = True) -> list[int]:
    """All runs that wait for this one, directly or not."""
    return [n for n, run in enumerate(item.runs) if run.control_of < 0 and at in _parents(item, n, soft=soft)]


def _may_start(item: Item, at: int) -> bool:
    """Whether all parents have succeeded or are paused; a parent that was skipped only hinders if it is a hard one."""
    run = item.runs[at]
    if run.control_of >= 0:
        return True
    if not run.job.dependencies:
        return True
    for number in _parents(item, at):
        other = item.runs[number]
        if other.phase in (Phase.PAUSED, Phase.RESUMED) or other.result in ("SUCCESS", "SKIPPED"):
            continue
        return False
    return all(item.runs[number].result != "SKIPPED" for number in _parents(item, at, soft=False))


def _with(item: Item, at: int, run: JobRun) -> Item:
    return replace(item, runs=(*item.runs[:at], run, *item.runs[at + 1 :]))


# ---- starting


def advance(draft: Draft, item: Item) -> Item:
    """Request nodes for the jobs that may start, and start those that have one."""
    for at, run in enumerate(item.runs):
        if run.phase is Phase.IDLE and _may_start(item, at):
            item = _request(draft, item, at, run)
        elif run.phase is Phase.READY:
            item = _start(draft, item, at, run)
    return item


def _request(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    if run.job.name == NOOP:
        return finish(draft, item, at, replace(run, phase=Phase.DONE, result="SUCCESS"))
    given = _required(draft, item, run.job)
    if given is None:
        return item
    if isinstance(given, str):
        return finish(draft, item, at, replace(run, phase=Phase.DONE, result="FAILURE", reason=given))
    if run.job.semaphores and not take(draft, item, at, run):
        return item
    make = partial(
        RequestNode,
        item=item.id,
        generation=item.generation,
        run=at,
        job=run.job.name,
        change=run.ref.change,
        pipeline=item.pipeline,
        preparation=run.preparation or item.preparation,
    )
    holding = bool(run.job.semaphores)
    run = replace(run, phase=Phase.NODE, request=draft.act(make), holding=holding, given=given)
    return draft.put(_with(item, at, run))


def _start(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    facts = draft.facts(run.ref.change)
    make = partial(
        StartBuild,
        item=item.id,
        generation=item.generation,
        run=at,
        job=run.job.name,
        change=run.ref.change,
        project=facts.project if facts else "",
        pipeline=item.pipeline,
        preparation=run.preparation or item.preparation,
        request=run.request,
        attempt=run.builds + 1,
        last=run.lost + 1 >= run.job.attempts,
        voting=run.job.voting,
        artifacts=run.given,
    )
    run = replace(run, phase=Phase.RUNNING, build=draft.act(make), builds=run.builds + 1, request=0)
    return draft.put(_with(item, at, run))


def _required(draft: Draft, item: Item, job: JobSpec) -> tuple[tuple[str, str], ...] | str | None:
    """What a job gets of changes ahead because of ``requires``; None: not there yet; words: the provider failed."""
    found: list[tuple[str, str]] = []
    if not job.requires:
        return ()
    for other in _providers(draft, item):
        for run in other.runs:
            if run.control_of >= 0 or not run.job.provides & job.requires:
                continue
            if run.phase is Phase.DONE and run.result != "SUCCESS":
                return f"{run.job.name} of {run.ref.change} did not succeed"
            if run.phase not in (Phase.DONE, Phase.PAUSED, Phase.RESUMED):
                return None
            found += [(name, run.ref.change) for name in run.artifacts]
    return tuple(found)


def _providers(draft: Draft, item: Item) -> Iterable[Item]:
    """The items ahead, nearest first; for a change that is merely merged underneath, its own live item."""
    if draft.pipeline(item).manager is Manager.INDEPENDENT:
        numbers = [number for number in draft.queue(item.key).line if number < item.id]
        for number in reversed(numbers):
            for name in draft.item(number).names:
                live = draft.holding(item.pipeline, name)
                if live is not None:
                    yield live
        return
    ahead = draft.find(item.ahead)
    while ahead is not None:
        yield ahead
        ahead = draft.find(ahead.ahead)


# ---- answers


def node_ready(draft: Draft, item: Item, at: int) -> Item:
    """The node that a run waited for is there."""
    return draft.put(_with(item, at, replace(item.runs[at], phase=Phase.READY)))


def no_node(draft: Draft, item: Item, at: int) -> Item:
    """No node is to be had: final, and no build (gate-semantics 1.13)."""
    return finish(draft, item, at, replace(item.runs[at], phase=Phase.DONE, result="NODE_FAILURE", request=0))


def doomed(draft: Draft, item: Item, at: int) -> Item:
    """A running build will fail: it counts as failed from now on (gate-semantics 1.14)."""
    run = item.runs[at]
    return draft.put(_with(item, at, replace(run, doomed=True)))


def paused(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    """A build stays up for its children; those that it does not select are skipped."""
    item = draft.put(_with(item, at, replace(run, phase=Phase.PAUSED)))
    _provided(draft, item, run)
    return _resume(draft, _select(draft, item, at))


def lost(draft: Draft, item: Item, at: int, result: str) -> Item:
    """A build was lost with its node or executor: it is tried again, a stop on purpose costs no attempt.

    When a paused parent is lost, its children run again (gate-semantics 1.12, 1.13).
    """
    run = item.runs[at]
    release(draft, item, at, run)
    count = run.lost + (result == "LOST")
    if count >= run.job.attempts:
        done = replace(run, phase=Phase.DONE, result="RETRY_LIMIT", lost=count, holding=False)
        return finish(draft, item, at, done)
    again = run.phase in (Phase.PAUSED, Phase.RESUMED)
    run = replace(run, phase=Phase.IDLE, lost=count, doomed=False, holding=False, children=None, artifacts=())
    item = _with(item, at, run)
    for number in _children(item, at) if again else ():
        child = halted(draft, item, number, item.runs[number])
        fresh = replace(child, phase=Phase.IDLE, result="", reason="", holding=False, artifacts=(), children=None)
        item = _with(item, number, fresh)
    return draft.put(item)


def finish(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    """A run has its final result: its semaphores are free, children that cannot run are skipped."""
    release(draft, item, at, run)
    if run.doomed and run.result == "SUCCESS":
        run = replace(run, result="FAILURE")
    run = replace(run, phase=Phase.DONE, holding=False, request=0)
    item = draft.put(_with(item, at, run))
    if run.control_of >= 0:
        return item
    keep_node(draft, item, run)
    _provided(draft, item, run)
    if run.result not in ("SUCCESS", "SKIPPED"):
        item = _skip(draft, item, _children(item, at), f"{run.job.name} did not succeed")
    else:
        item = _select(draft, item, at)
    return _resume(draft, item)


def _provided(draft: Draft, item: Item, run: JobRun) -> None:
    """Have those looked at that may wait for what a job provides, or for its verdict: all behind, and who has the
    change underneath.
    """
    if not run.job.provides and not run.first:
        return
    waiting = [number for number in draft.queue(item.key).line if number > item.id]
    for number in draft.where(run.ref.change):
        other = draft.item(number)
        waiting += draft.queue(other.key).line if not other.live and other.pipeline == item.pipeline else ()
    for number in waiting:
        if draft.item(number).stage is Stage.TESTED:
            draft.flag(number, Flag.JOBS)


def _select(draft: Draft, item: Item, at: int) -> Item:
    """Skip the direct children that a build does not ask for, and what needs those."""
    run = item.runs[at]
    if run.children is None:
        return item
    names = (run.job.name,)
    for number, other in enumerate(item.runs):
        direct = any(name in names and parent(item, other, name) == at for name, _ in other.job.dependencies)
        if direct and other.job.name not in run.children:
            reason = f"{run.job.name} did not ask for it"
            item = _skip(draft, item, [number, *_children(item, number, soft=False)], reason)
    return item


def _skip(draft: Draft, item: Item, numbers: list[int], reason: str) -> Item:
    for number in numbers:
        run = item.runs[number]
        if run.phase is Phase.IDLE and run.control_of < 0:
            item = _with(item, number, replace(run, phase=Phase.DONE, result="SKIPPED", reason=reason))
    return draft.put(item)


def _resume(draft: Draft, item: Item) -> Item:
    """Let paused builds end whose children have all ended."""
    for at, run in enumerate(item.runs):
        if run.phase is not Phase.PAUSED:
            continue
        if all(item.runs[number].phase is Phase.DONE for number in _children(item, at)):
            draft.act(partial(ResumeBuild, build=run.build))
            item = _with(item, at, replace(run, phase=Phase.RESUMED))
    return draft.put(item)


def fail_fast(draft: Draft, item: Item) -> Item:
    """Stop the other jobs of an item that has failed, if its project asked for that (gate-semantics 1.12)."""
    if not _wants_fail_fast(draft, item):
        return item
    for at, run in enumerate(item.runs):
        if run.phase is not Phase.DONE:
            stopped = halted(draft, item, at, run)
            item = _with(item, at, replace(stopped, phase=Phase.DONE, result="ABORTED"))
    return draft.put(item)


def _wants_fail_fast(draft: Draft, item: Item) -> bool:
    layout = item.layout or draft.layout
    for name in item.names:
        facts = draft.facts(name)
        project = layout.projects.get(facts.project) if facts else None
        section = project.pipelines.get(item.pipeline) if project else None
        if section is not None and section.fail_fast:
            return True
    return False


def complete(item: Item) -> bool:
    """Whether all jobs have a result."""
    return all(run.phase is Phase.DONE for run in item.runs)


def all_green(item: Item) -> bool:
    """Whether every voting job succeeded or was skipped, and at least one job really ran (gate-semantics 1.7)."""
    ran = [run for run in item.runs if run.control_of < 0 and run.result != "SKIPPED"]
    return bool(ran) and not any(run.red for run in item.runs)


def holds_followers(item: Item) -> bool:
    """Whether a job of it has still to succeed before those behind may start (``hold-following-changes``)."""
    return item.stage is Stage.TESTED and any(
        run.job.hold_following and run.result != "SUCCESS" and run.control_of < 0 for run in item.runs
    )
