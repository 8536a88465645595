"""What a change waits for, in or out of a queue, as typed reasons and in one line; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatelocal.model.facts import Facts
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.pipeline import texts
from gatelocal.pipeline.draft import begun
from gatelocal.pipeline.match import unmet
from gatelocal.pipeline.provides import awaited
from gatelocal.pipeline.ready import obstacle, queue_name
from gatelocal.pipeline.state import Item, JobRun, Phase, Queue, Reason, Stage, State
from gatelocal.pipeline.switches.late_restart import doubtful
from gatelocal.pipeline.window import is_active


def why(state: State, change: str) -> str:
    """One line that names the change, vote, job or queue that a change waits for."""
    found = reasons(state, change)
    return "; ".join(sentence(reason) for reason in found)


def sentence(reason: Reason) -> str:
    """A reason in words."""
    return _WAITING[reason.code](reason.names) if reason.code in _WAITING else texts.sentence(reason)


_WAITING: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "paused": lambda names: f"queue {names[0]} is paused",
    "window": lambda names: f"it is at place {names[0]} of queue {names[1]}, outside its window of {names[2]}",
    "ahead": lambda names: f"{texts.listed(names)} {'is' if len(names) == 1 else 'are'} ahead of it",
    "parked": lambda names: f"it needs {texts.listed(names)}, which fails",
    "merge": lambda names: f"its workspace is being prepared for {names[0]}",
    "conflict-ahead": lambda names: (
        f"it conflicts with {texts.listed(names[1:]) or 'its branch'}; {names[0]} is ahead of it"
    ),
    "held": lambda names: f"{names[0]} ahead of it has to pass {texts.listed(names[1:])} first",
    "semaphore": lambda names: f"{names[0]} waits for semaphore {texts.listed(names[1:])}",
    "provider": lambda names: (
        f"{names[0]} waits for {texts.listed(names[3:])}, which {names[1]} of {names[2]} provides"
    ),
    "node": lambda names: f"a node for {texts.listed(names)}",
    "running": lambda names: f"{texts.listed(names)} {'runs' if len(names) == 1 else 'run'}",
    "failing": lambda names: f"{texts.listed(names)} failed; it is reported when nothing is ahead of it any more",
    "doubt": lambda names: f"{texts.listed(names)} is tried on the branch itself",
    "batch": lambda names: f"it is tested together with {texts.listed(names[1:])}, by the builds of {names[0]}",
    "suspects": lambda names: f"one of {texts.listed(names)} is bad; it waits until that one is found",
    "late": lambda names: f"{names[0]} ahead of it is in doubt: {texts.listed(names[1:])} comes first there",
    "urgent": lambda names: f"{texts.listed(names)} is urgent and lands first",
    "landing": lambda names: f"it is being submitted from {names[0]}",
    "reporting": lambda names: f"the queue stands still for {names[0]}: " + (texts.listed(names[1:]) or "its reports"),
    "reading": lambda names: "the server is asked once more before it lands",
    "queue": lambda names: f"it is in queue {names[0]} of {names[1]}",
}


def reasons(state: State, change: str) -> tuple[Reason, ...]:
    """Why a change has not landed: in a queue, what it waits for there; outside, what would bring it in."""
    facts = state.changes.get(change)
    item = _item(state, change)
    if item is not None:
        return _queued(state, item)
    if facts is None:
        return (Reason("unknown", (change,)),)
    if facts.status in ("ABANDONED", "MERGED"):
        return (Reason("abandoned" if facts.status == "ABANDONED" else "merged"),)
    return _outside(state, facts)


def _item(state: State, change: str) -> Item | None:
    """The live item that holds the change: one that lands it if there is one."""
    items = [state.items[number] for number in state.where.get(change) or ()]
    live = [item for item in items if item.live]
    return min(live, key=lambda item: not state.layout.pipelines[item.pipeline].lands, default=None)


# ---- outside


def _outside(state: State, facts: Facts) -> tuple[Reason, ...]:
    landing = [one for one in state.layout.pipelines.values() if one.manager is Manager.DEPENDENT]
    last = state.last.get(facts.change)
    pipelines = [one for one in landing if queue_name(state.layout, one, facts) is not None]
    if not pipelines:
        names = tuple(one.name for one in landing) or ("any pipeline",)
        return (last or Reason("no-project", names),)
    found = _missing(state, pipelines[0], facts)
    if last is not None and last.code not in _SEEN_NOW:
        return (last, *(one for one in found if one.code in ("votes", "wip")))
    return found or (Reason("not-approved", (pipelines[0].name,)),)


_SEEN_NOW = (
    "votes",
    "wip",
    "requirement",
    "needs",
    "needed",
    "outdated",
    "abandoned",
    "merged",
    "old-patchset",
    "unknown",
)
"""Reasons that are looked up afresh instead of being remembered."""


def _missing(state: State, pipeline: Pipeline, facts: Facts) -> tuple[Reason, ...]:
    """What keeps an open change out at this moment."""
    found: list[Reason] = []
    blocked = obstacle(pipeline, facts)
    if blocked is not None:
        found.append(blocked)
    words = unmet(pipeline, facts, facts.ref, state.now)
    if words:
        found.append(Reason("requirement", (words,)))
    if facts.parent is not None:
        parent = state.changes.get(facts.parent.change)
        if parent is not None and parent.status != "MERGED" and parent.patchset != facts.parent.patchset:
            found.append(Reason("outdated", (str(facts.parent),)))
    for name in facts.needs:
        other = state.changes.get(name)
        if other is None or other.status == "MERGED":
            continue
        if queue_name(state.layout, pipeline, other) != queue_name(state.layout, pipeline, facts):
            found.append(Reason("other-queue", (name,)))
        elif _item(state, name) is None:
            found.append(Reason("needs", (name, *_culprit(state, pipeline, other))))
    return tuple(found)


def _culprit(state: State, pipeline: Pipeline, facts: Facts) -> tuple[str, ...]:
    """The change further down that is not ready, and why, in words; nothing when that cannot be seen."""
    pending, seen = [facts], {facts.change}
    while pending:
        one = pending.pop()
        blocked = obstacle(pipeline, one)
        words = sentence(blocked) if blocked is not None else unmet(pipeline, one, one.ref, state.now)
        if words:
            return (one.change, words)
        for name in one.needs:
            other = state.changes.get(name)
            if other is not None and other.status != "MERGED" and name not in seen:
                seen.add(name)
                pending.append(other)
    return ()


# ---- inside


def _queued(state: State, item: Item) -> tuple[Reason, ...]:  # noqa: PLR0911 - one for each stage
    queue = state.queues[item.key]
    if queue.paused:
        return (Reason("paused", (queue.label,)),)
    reporter = state.items.get(queue.reporting) if queue.reporting not in (0, item.id) else None
    if reporter is not None:
        return (Reason("reporting", (texts.listed(reporter.names), *_running(reporter))),)
    match item.stage:
        case Stage.WAITING:
            return (_not_prepared(queue, item),)
        case Stage.PARKED:
            return (Reason("parked", _failing_needs(state, item)),)
        case Stage.PREPARING:
            return (Reason("merge", (item.pipeline,)),)
        case Stage.CONFLICT | Stage.BROKEN:
            return (_broken(state, item),)
        case Stage.LOOKING:
            return (Reason("reading"),)
        case Stage.LANDING:
            return (Reason("landing", (item.pipeline,)),)
        case Stage.TESTED | Stage.REPORTING:
            return _testing(state, item, queue)


def _not_prepared(queue: Queue, item: Item) -> Reason:
    if not is_active(queue, item):
        place = queue.line.place(item.id) + 1
        return Reason("window", (str(place), queue.label, str(queue.window)))
    return Reason("queue", (queue.label, item.pipeline))


def _failing_needs(state: State, item: Item) -> tuple[str, ...]:
    found = []
    for name in item.needs:
        holders = [state.items[number] for number in state.where.get(name) or ()]
        if any(one.failing and one.key == item.key for one in holders):
            found.append(name)
    return tuple(found) or item.needs


def _broken(state: State, item: Item) -> Reason:
    ahead = _names_ahead(state, item)
    if item.stage is Stage.BROKEN:
        return Reason("config", (item.problem,))
    return (
        Reason("conflict-ahead", (texts.listed(ahead), *item.conflicts))
        if ahead
        else Reason("conflict", item.conflicts)
    )


def _names_ahead(state: State, item: Item) -> tuple[str, ...]:
    ahead = state.items.get(item.ahead) if item.ahead else None
    return ahead.names if ahead is not None else ()


def _testing(state: State, item: Item, queue: Queue) -> tuple[Reason, ...]:
    special = _by_switch(state, item, queue)
    if special is not None:
        return (special,)
    red = tuple(run.job.name for run in item.runs if run.red)
    found: list[Reason] = [Reason("failing", red)] if red else []
    running = _running(item)
    if running:
        found.append(Reason("running", running))
    waiting = tuple(dict.fromkeys(r.job.name for r in item.runs if r.phase in (Phase.NODE, Phase.SHORT, Phase.READY)))
    if waiting:
        found.append(Reason("node", waiting))
    doubted = tuple(run.job.name for run in item.runs if run.phase is Phase.DOUBT)
    if doubted and not running and not waiting:
        found.append(Reason("doubt", doubted))
    idle = [run for run in item.runs if run.phase is Phase.IDLE]
    awaiting = _awaiting(state, item, idle)
    if awaiting is not None:
        found.append(awaiting)
    elif idle and not running and not waiting:
        found.append(_idle(state, item, idle[0], queue))
    ahead = _names_ahead(state, item)
    if ahead and not found:
        found.append(Reason("ahead", ahead))
    return tuple(found) or (Reason("queue", (queue.label, item.pipeline)),)


def _running(item: Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.job.name for run in item.runs if run.phase in _UP))


def _by_switch(state: State, item: Item, queue: Queue) -> Reason | None:
    """What only a switch makes an item wait for."""
    if queue.suspects and item.id > queue.probe:
        return Reason("suspects", _names(state, queue.suspects))
    if item.batch and item.batch[-1] != item.id:
        last = state.items.get(item.batch[-1])
        others = _names(state, tuple(number for number in item.batch if number != item.id))
        return Reason("batch", (texts.listed(last.names) if last is not None else "", *others))
    doubted = doubtful(state, item) if item.suspicion else None
    if doubted is not None:
        return Reason("late", (texts.listed(doubted.names), *item.suspicion))
    if not item.ahead and not item.failing and queue.beside and all(run.phase is Phase.DONE for run in item.runs):
        names = [
            number for name in queue.beside for number in getattr(state.queues.get((queue.pipeline, name)), "line", ())
        ]
        return Reason("urgent", _names(state, tuple(names))) if names else None
    return None


def _names(state: State, numbers: tuple[int, ...]) -> tuple[str, ...]:
    found = (state.items.get(number) for number in numbers)
    return tuple(name for item in found if item is not None for name in item.names)


_UP = (Phase.RUNNING, Phase.PAUSED, Phase.RESUMED)


def _awaiting(state: State, item: Item, idle: list[JobRun]) -> Reason | None:
    """What an item waits for that a job of a change ahead provides."""
    for run in idle:
        provider = awaited(begun(state, state.now), item, run.job)
        if provider is not None:
            change, one = provider
            return Reason("provider", (run.job.name, one.job, change, *sorted(one.provides & run.job.requires)))
    return None


def _idle(state: State, item: Item, run: JobRun, queue: Queue) -> Reason:
    ahead = state.items.get(item.ahead) if item.ahead else None
    if ahead is not None and ahead.blocks:
        jobs = tuple(r.job.name for r in ahead.runs if r.job.hold_following and r.result != "SUCCESS")
        return Reason("held", (texts.listed(ahead.names), *(jobs or ("its turn",))))
    if not is_active(queue, item):
        return _not_prepared(queue, item)
    full = []
    for name in run.job.semaphores:
        known = state.semaphores.get(name)
        if known is not None and len(known.holders) >= state.layout.semaphores.get(name, 1):
            full.append(name)
    if full:
        return Reason("semaphore", (run.job.name, *full))
    return Reason("queue", (queue.label, item.pipeline))
