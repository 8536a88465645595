"""The jobs of an item: which may start, what an answer means for them and for the item; it judges no item.

Rules: Zuul's job graph (gate-semantics 1.12) and its retries (1.13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatelocal.model.layout import NOOP, Graph, JobKind, JobSpec
from gatelocal.model.record import changer, replace
from gatelocal.pipeline.actions import RequestNode, ResumeBuild, StartBuild
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.provides import required
from gatelocal.pipeline.resources import halted, keep_node, release, take
from gatelocal.pipeline.reuse import taken_over
from gatelocal.pipeline.state import GREEN, Item, JobRun, Phase, Stage

_with_runs = changer(Item, "runs")
_tested_by = changer(Item, "stage", "runs", "reporters", "fail_fast")
_in_phase = changer(JobRun, "phase")
_requested = changer(JobRun, "phase", "request", "holding", "given")
_started = changer(JobRun, "phase", "build", "builds", "request", "holding")


def begin(draft: Draft, item: Item, graphs: Sequence[Graph]) -> Item:
    """Give a prepared item its jobs.

    Members of a cycle share a job that is the same for both (gate-semantics 1.9). The last word on fail-fast counts, in
    the order of the changes (Zuul).
    """
    words = [one.fail_fast for one in graphs if one.fail_fast is not None]
    every = runs_of(draft, item, graphs)
    runs = tuple(run for run in every if run.job.kind is not JobKind.REPORTER)
    later = tuple(run for run in every if run.job.kind is JobKind.REPORTER) if len(runs) < len(every) else ()
    if draft.policy.reuse:
        runs = tuple(taken_over(draft, item, run) for run in runs)
    item = draft.put(_tested_by(item, Stage.TESTED, runs, later, bool(words and words[-1])))
    for at, run in enumerate(item.runs):
        if run.reused:
            item = _told_children(draft, item, at)
    return item


def runs_of(draft: Draft, item: Item, graphs: Sequence[Graph]) -> list[JobRun]:
    """The jobs of all members of an item, reporter jobs among them."""
    if len(graphs) == 1:
        return [JobRun(job, graphs[0].ref) for job in graphs[0].jobs]
    runs: list[JobRun] = []
    for graph in graphs:
        for job in graph.jobs:
            _add(draft, item, runs, JobRun(job, graph.ref))
    return runs


def _add(draft: Draft, item: Item, runs: list[JobRun], fresh: JobRun) -> None:
    """Add a job, or let it be one with that of another member; it is the job of the one that entered, if that is one.

    Zuul: ``deduplicateJobs``.
    """
    for at, run in enumerate(runs):
        if not same_job(draft, run, fresh.job, fresh.ref.change):
            continue
        if fresh.ref.change == item.cause:
            del runs[at]
            runs.append(replace(fresh, others=run.refs))
        else:
            runs[at] = replace(run, others=(*run.others, fresh.ref))
        return
    runs.append(fresh)


def same_job(draft: Draft, run: JobRun, job: JobSpec, change: str) -> bool:
    """Whether a run is that of the same job for a change that is tested together with the run's own."""
    if run.job != job or job.deduplicate is False:
        return False
    one, other = draft.facts(run.ref.change), draft.facts(change)
    same_project = one is not None and other is not None and one.project == other.project
    return bool(job.deduplicate or job.required_projects or same_project)


# ---- the graph


def _meant(item: Item, run: JobRun, name: str) -> Iterator[int]:
    """The runs that a job's dependency means: those of its change; of all its changes if it is shared by several."""
    for at, other in enumerate(item.runs):
        if other.job.name == name and other.control_of < 0 and any(ref in run.refs for ref in other.refs):
            yield at


def parents(item: Item, at: int, *, soft: bool = True) -> set[int]:
    """All runs that this one waits for, directly or not."""
    found: set[int] = set()
    pending = [at]
    while pending:
        run = item.runs[pending.pop()]
        for name, is_soft in run.job.dependencies:
            fresh = [number for number in _meant(item, run, name) if number not in found and (soft or not is_soft)]
            found.update(fresh)
            pending += fresh
    return found


def _children(item: Item, at: int, *, soft: bool = True) -> list[int]:
    """All runs that wait for this one, directly or not."""
    return [n for n, run in enumerate(item.runs) if run.control_of < 0 and at in parents(item, n, soft=soft)]


def _may_start(item: Item, at: int) -> bool:
    """Whether all parents have succeeded or are paused; a parent that was skipped only hinders if it is a hard one."""
    run = item.runs[at]
    if run.control_of >= 0:
        return True
    if not run.job.dependencies:
        return True
    for number in parents(item, at):
        other = item.runs[number]
        if other.phase in (Phase.PAUSED, Phase.RESUMED) or other.result in ("SUCCESS", "SKIPPED"):
            continue
        return False
    return all(item.runs[number].result != "SKIPPED" for number in parents(item, at, soft=False))


def _with(item: Item, at: int, run: JobRun) -> Item:
    return _with_runs(item, (*item.runs[:at], run, *item.runs[at + 1 :]))


# ---- starting


def advance(draft: Draft, item: Item, only: frozenset[int] | None = None) -> Item:
    """Request nodes for the jobs that may start, and start those that have one.

    :param only: the runs that may start for now; None: all.
    """
    for at, run in enumerate(item.runs):
        if only is not None and at not in only:
            continue
        if run.phase is Phase.IDLE and _may_start(item, at):
            item = _request(draft, item, at, run)
        elif run.phase is Phase.READY:
            item = _start(draft, item, at, run)
    return item


def _request(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    if run.job.name == NOOP:
        return finish(draft, item, at, replace(run, phase=Phase.DONE, result="SUCCESS"))
    given = required(draft, item, run.job)
    if given is None:
        return item
    if isinstance(given, str):
        return finish(draft, item, at, replace(run, phase=Phase.DONE, result="FAILURE", reason=given))
    if not take(draft, item, at, run.job.first_semaphores):
        return item
    request = RequestNode(
        draft.number(),
        item=item.id,
        generation=item.generation,
        run=at,
        job=run.job.name,
        change=_named(item, run),
        pipeline=item.pipeline,
        preparation=run.preparation or item.preparation,
    )
    holding = bool(run.job.first_semaphores)
    run = _requested(run, Phase.NODE, draft.act(request), holding, given)
    return draft.put(_with(item, at, run))


def _named(item: Item, run: JobRun) -> str:
    """Whose job people call it: in a batch that of the last change (scenario format)."""
    return item.changes[-1].change if item.batch else run.ref.change


def _start(draft: Draft, item: Item, at: int, run: JobRun) -> Item:
    if not take(draft, item, at, run.job.semaphores):
        release(draft, item, at, run)
        return draft.put(_with(item, at, replace(run, holding=False)))
    facts = draft.facts(run.ref.change)
    start = StartBuild(
        draft.number(),
        item=item.id,
        generation=item.generation,
        run=at,
        job=run.job.name,
        change=_named(item, run),
        project=facts.project if facts else "",
        pipeline=item.pipeline,
        preparation=run.preparation or item.preparation,
        request=run.request,
        attempt=run.builds + 1,
        last=run.lost + 1 >= run.job.attempts,
        voting=run.job.voting,
        artifacts=run.given,
    )
    count, holding = run.builds + 1, bool(run.job.semaphores)
    run = _started(run, Phase.RUNNING, draft.act(start), count, 0, holding)
    return draft.put(_with(item, at, run))


# ---- answers


def node_ready(draft: Draft, item: Item, at: int) -> Item:
    """The node that a run waited for is there."""
    return draft.put(_with(item, at, _in_phase(item.runs[at], Phase.READY)))


def node_short(draft: Draft, item: Item, at: int) -> Item:
    """The launcher says that the node has to be waited for."""
    return draft.put(_with(item, at, _in_phase(item.runs[at], Phase.SHORT)))


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
    if run.phase is not Phase.DONE or run.holding or run.request:
        run = replace(run, phase=Phase.DONE, holding=False, request=0)
    item = draft.put(_with(item, at, run))
    if run.control_of >= 0:
        return item
    if not run.first:  # the node of a result that was in doubt was kept, or not, when its build ended
        keep_node(draft, item, run)
    _provided(draft, item, run)
    return _resume(draft, _told_children(draft, item, at))


def _told_children(draft: Draft, item: Item, at: int) -> Item:
    """What the result of a run means for those that depend on it."""
    run = item.runs[at]
    if run.result not in GREEN:
        return _skip(draft, item, _children(item, at), f"{run.job.name} did not succeed")
    return _select(draft, item, at)


def caught_up(draft: Draft, item: Item) -> Item:
    """The item after jobs were added to others that have ended: what cannot run is skipped."""
    for at, run in enumerate(item.runs):
        if run.result == "SKIPPED":
            item = _skip(draft, item, _children(item, at, soft=False), run.reason)
        elif run.phase is Phase.DONE and run.control_of < 0:
            item = _told_children(draft, item, at)
    return draft.put(item)


def _provided(draft: Draft, item: Item, run: JobRun) -> None:
    """Have those looked at that may wait for what a job provides, or for its verdict: all behind, and who has the
    change underneath.
    """
    if not run.job.provides and not run.first and not draft.policy.late_restart:
        return
    waiting = [number for number in draft.queue(item.key).line if number > item.id]
    for number in draft.where(run.ref.change):
        other = draft.item(number)
        waiting += draft.queue(other.key).line if not other.live and other.pipeline == item.pipeline else ()
    for number in waiting:
        if draft.item(number).stage is Stage.TESTED:
            draft.flag(number, Flag.JOBS)


def _select(draft: Draft, item: Item, at: int) -> Item:
    """Skip the direct children that a build does not ask for, and what needs those (gate-semantics 1.12).

    Zuul: an empty list skips all that depend hard on the job; one with names skips the other children, soft ones too.
    """
    run = item.runs[at]
    if run.children is None:
        return item
    reason = f"{run.job.name} did not ask for it"
    if not run.children:
        return _skip(draft, item, _children(item, at, soft=False), reason)
    for number, other in enumerate(item.runs):
        parents_of = [name for name, _ in other.job.dependencies if name == run.job.name]
        direct = any(at in _meant(item, other, name) for name in parents_of)
        if direct and other.job.name not in run.children:
            item = _skip(draft, item, [number, *_children(item, number, soft=False)], reason)
    return item


def _skip(draft: Draft, item: Item, numbers: list[int], reason: str) -> Item:
    for number in numbers:
        run = item.runs[number]
        if run.phase is Phase.IDLE and run.control_of < 0:
            item = _with(item, number, replace(run, phase=Phase.DONE, result="SKIPPED", reason=reason))
    return draft.put(item)


def skip(draft: Draft, item: Item, numbers: list[int], reason: str) -> Item:
    """Skip those of these runs that have not begun; what waits for them goes on."""
    return _resume(draft, _skip(draft, item, numbers, reason))


def _resume(draft: Draft, item: Item) -> Item:
    """Let paused builds end whose children have all ended."""
    for at, run in enumerate(item.runs):
        if run.phase is not Phase.PAUSED:
            continue
        if all(item.runs[number].phase is Phase.DONE for number in _children(item, at)):
            draft.act(ResumeBuild(draft.number(), run.build))
            item = _with(item, at, replace(run, phase=Phase.RESUMED))
    return draft.put(item)


def hand_back(draft: Draft, item: Item) -> Item:
    """The item has come to be outside of the window: those inside must not wait for what a job of it holds unused."""
    for at, run in enumerate(item.runs):
        if run.holding and run.phase in (Phase.NODE, Phase.SHORT, Phase.READY):
            item = draft.put(_with(item, at, halted(draft, item, at, run)))
    return item


def fail_fast(draft: Draft, item: Item) -> Item:
    """Stop the other jobs of an item that has failed, if its project asked for that (gate-semantics 1.12)."""
    if not item.fail_fast:
        return item
    for at, run in enumerate(item.runs):
        culprit = run.doomed and run.phase is Phase.RUNNING
        if run.phase is not Phase.DONE and not culprit:
            stopped = halted(draft, item, at, run)
            item = _with(item, at, replace(stopped, phase=Phase.DONE, result="ABORTED"))
    return draft.put(item)


def complete(item: Item) -> bool:
    """Whether all jobs have a result."""
    done = Phase.DONE
    for run in item.runs:  # noqa: SIM110 - for every event: all() takes twice as long
        if run.phase is not done:
            return False
    return True


def all_green(item: Item) -> bool:
    """Whether every voting job succeeded or was skipped, and at least one job really ran (gate-semantics 1.7)."""
    ran = [run for run in item.runs if run.control_of < 0 and run.result != "SKIPPED"]
    return bool(ran) and not any(run.red for run in item.runs)


def holds_followers(item: Item) -> bool:
    """Whether a job of it has still to succeed before those behind may start (``hold-following-changes``)."""
    for run in item.runs if item.stage is Stage.TESTED else ():
        if run.job.hold_following and run.result != "SUCCESS" and run.control_of < 0:
            return True
    return False
