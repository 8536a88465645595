"""What a run holds: its node request, its build, its semaphores, and the nodes that operators want kept."""

from __future__ import annotations

from gatelocal.model.layout import Manager
from gatelocal.model.record import replace
from gatelocal.pipeline.actions import CancelBuild, DropRequest, KeepNode
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.state import Autohold, Item, JobRun, Phase, Semaphore, State

_HELD_RESULTS = ("FAILURE", "RETRY_LIMIT", "POST_FAILURE", "TIMED_OUT")


def stop(draft: Draft, item: Item, spare: frozenset[int] = frozenset()) -> Item:
    """Stop all builds of an item but those to be spared, drop its requests and release what it holds."""
    item = stop_going(draft, item, spare)
    runs = tuple(
        run if run.build in spare and run.phase is Phase.RUNNING else halted(draft, item, at, run)
        for at, run in enumerate(item.runs)
    )
    return draft.put(replace(item, runs=runs)) if runs != item.runs else item


def stop_going(draft: Draft, item: Item, spare: frozenset[int] = frozenset()) -> Item:
    """Stop the builds of earlier generations."""
    for one in item.going:
        if one.run.build not in spare:
            draft.act(CancelBuild(draft.number(), one.run.build))
    return draft.put(replace(item, going=())) if item.going else item


def halted(draft: Draft, item: Item, at: int, run: JobRun) -> JobRun:
    """The run after its build was stopped, its request dropped and its semaphores released."""
    if run.phase in (Phase.DONE, Phase.IDLE, Phase.DOUBT):
        return run
    if run.phase in (Phase.RUNNING, Phase.PAUSED, Phase.RESUMED):
        draft.act(CancelBuild(draft.number(), run.build))
    elif run.request:
        draft.act(DropRequest(draft.number(), run.request))
    release(draft, item, at, run)
    return replace(run, phase=Phase.IDLE, request=0, holding=False)


def take(draft: Draft, item: Item, at: int, names: tuple[str, ...]) -> bool:
    """Take all of these semaphores for a job, or none (gate-semantics 1.12); who gets none is told of a release."""
    if not names:
        return True
    held = [(name, draft.semaphore(name)) for name in names]
    free = [
        (item.id, at) in one.holders or len(one.holders) < draft.layout.semaphores.get(name, 1) for name, one in held
    ]
    for (name, one), enough in zip(held, free, strict=True):
        if all(free):
            holders = tuple(dict.fromkeys((*one.holders, (item.id, at))))
            draft.put_semaphore(name, Semaphore(holders, _without(one.waiting, item.id)))
        elif not enough and item.id not in one.waiting:
            draft.put_semaphore(name, replace(one, waiting=(*one.waiting, item.id)))
    return all(free)


def _without(waiting: tuple[int, ...], item: int) -> tuple[int, ...]:
    return tuple(one for one in waiting if one != item)


def release(draft: Draft, item: Item, at: int, run: JobRun) -> None:
    """Give back a run's semaphores; those that wait are looked at, pipelines of higher precedence first."""
    if not run.holding:
        return
    for name in run.job.semaphores:
        one = draft.semaphore(name)
        holders = tuple(holder for holder in one.holders if holder != (item.id, at))
        waiting = tuple(number for number in one.waiting if draft.find(number) is not None)
        draft.put_semaphore(name, Semaphore(holders, ()))
        for number in sorted(waiting, key=lambda number: _rank(draft, number)):
            draft.flag(number, Flag.JOBS)


def _rank(draft: Draft, number: int) -> tuple[int, int]:
    pipeline = draft.layout.pipelines.get(draft.item(number).pipeline)
    return (pipeline.precedence if pipeline else 9, number)


def keep_node(draft: Draft, item: Item, run: JobRun) -> None:
    """Hold the node of a failed build if an operator asked for it; the most specific wish is used (Zuul: autohold)."""
    if run.result not in _HELD_RESULTS or not run.build:
        return
    facts = draft.facts(run.ref.change)
    project = facts.project if facts else ""
    fitting = [one for one in draft.holds if _wants(one, project, run)]
    if not fitting:
        return
    chosen = max(fitting, key=lambda one: bool(one.change))
    spent = replace(chosen, count=chosen.count - 1)
    at = draft.holds.index(chosen)
    draft.holds = (*draft.holds[:at], *((spent,) if spent.count else ()), *draft.holds[at + 1 :])
    draft.act(KeepNode(draft.number(), run.build, run.job.name, run.ref.change))


def _wants(wish: Autohold, project: str, run: JobRun) -> bool:
    return (wish.project, wish.job) == (project, run.job.name) and wish.change in ("", run.ref.change)


def priority(state: State, item: int) -> tuple[int, int, int]:
    """Who gets a free node first: precedence of the pipeline, place among the live items of the queue, age.

    The queues of an independent pipeline count as one for each project (gate-semantics 1.12, scenario format).
    """
    found = state.items.get(item)
    if found is None:
        return (9, 0, item)
    queue = state.queues[found.key]
    if queue.dynamic and state.layout.pipelines[found.pipeline].manager is Manager.DEPENDENT:
        place = -1  # beside the queue, before its head
    elif queue.dynamic:
        same = (one for one in state.queues.values() if (one.pipeline, one.label) == (queue.pipeline, queue.label))
        numbers = [number for one in same for number in one.line]
        place = sum(1 for number in numbers if number < item and state.items[number].live)
    else:
        place = queue.line.place(found.batch[0] if found.batch else item)
    return (state.layout.pipelines[found.pipeline].precedence, place, item)
