"""What must always hold, written apart from the rules that keep it; it uses none of them and changes nothing.

Checked after every event in tests and simulation. The cost is that of the items that an event has touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gatelocal.model.facts import Ref
from gatelocal.model.layout import NOOP, JobKind, Manager
from gatelocal.pipeline.actions import Action, CancelBuild, Report, StartBuild, Submit
from gatelocal.pipeline.events import BuildDone, Event, Submitted
from gatelocal.pipeline.grounds import has_landed, has_neighbours, named, stands
from gatelocal.pipeline.state import Item, JobRun, Phase, Queue, Stage, State

_UP = (Phase.RUNNING, Phase.PAUSED, Phase.RESUMED)
_GREEN = ("SUCCESS", "SKIPPED")


def broken(before: State, event: Event, after: State, actions: Sequence[Action], touched: Iterable[int]) -> list[str]:
    """What does not hold after an event; empty when all is well."""
    found: list[str] = []
    numbers = tuple(touched)
    for number in numbers:
        old, item = before.items.get(number), after.items.get(number)
        if item is not None:
            found += _item(before, after, item)
        if old is not None and (old.runs or old.going):
            found += _stopped(old, event, item, actions)
        if old is not None and item is None:
            found += _under_way(old, event, after)
    found += _actions(before, after, actions)
    found += _semaphores(before, after)
    found += _queues(before, after)
    return found


# ---- one item


def _item(before: State, state: State, item: Item) -> Iterator[str]:
    queue = state.queues.get(item.key)
    if queue is None or item.id not in queue.line:
        yield f"{named(item)} is in no queue"
        return
    for ref in item.changes:
        if item.id not in (state.where.get(ref.change) or ()):
            yield f"{named(item)} cannot be found by its change {ref.change}"
    if item.stage in (Stage.WAITING, Stage.PARKED) and any(run.phase in _UP for run in item.runs):
        yield f"{named(item)} has builds without being prepared"
    if item.going and item.stage not in (Stage.WAITING, Stage.PREPARING):
        yield f"{named(item)} has builds of an earlier generation that nobody wants"
    if not item.live and item.runs:
        yield f"{named(item)} is not live and has jobs"
    looked_at = item.id not in queue.suspects and not queue.reporting
    if not item.failing and looked_at and _is_red(item):
        yield f"{named(item)} has failed and counts as good"
    if item.stage in (Stage.LOOKING, Stage.LANDING, Stage.REPORTING):
        yield from _may_land(state, item)
    if item.batch:
        yield from _batch(state, item)
    if state.layout.pipelines.get(item.pipeline) is not None:
        yield from stands(before, state, item, queue)


def _is_red(item: Item) -> bool:
    """Whether a result that decides speaks against it."""
    for run in item.runs:
        if run.result and run.result not in _GREEN and run.phase is Phase.DONE and _speaks(run):
            return True
    return False


def _speaks(run: JobRun) -> bool:
    """Whether its result decides what becomes of the item: neither a control nor what runs after the verdict does."""
    return run.job.voting and run.control_of < 0 and run.job.kind is not JobKind.REPORTER


def _may_land(state: State, item: Item) -> Iterator[str]:
    """Only what is green lands, with nothing ahead that does not land together with it, after all that it needs."""
    if item.ahead:
        yield f"{named(item)} lands before what is ahead of it"
    for needed in item.needs:
        if not has_landed(state, needed):
            yield f"{named(item)} lands before {needed}, which it needs"
    if item.stage is Stage.LOOKING or not item.batch:
        yield from _proof(state, item)


def _proof(state: State, item: Item) -> Iterator[str]:
    """What lands is what was tested: each of its voting jobs is green in its present generation, by a build or by one
    that was taken over, on a workspace of what has landed, the item itself, and who lands together with it.

    Once the submit of a member is on its way its batch may come apart: then it was so when that was sent.
    """
    tested = state.items.get(item.batch[-1]) if item.batch else item
    if tested is None or tested.batch != item.batch:
        yield f"{named(item)} lands on the word of item {item.batch[-1]}, which is not given any more"
        return
    for run in tested.runs:
        if _speaks(run) and run.result not in _GREEN:
            yield f"{named(item)} lands although {run.job.name} is {run.result or run.phase.value}"
        elif _speaks(run) and run.result == "SUCCESS" and not (run.build or run.reused or run.job.name == NOOP):
            yield f"{named(item)} lands although {run.job.name} was never built"
    together = [one for number in item.batch or (item.id,) if (one := state.items.get(number)) is not None]
    inside = {ref for one in together if one.batch == item.batch for ref in one.changes}
    # Mostly they are its last; one between them may have overtaken the first and be gone.
    if not (inside <= set(tested.content[-len(inside) :]) or inside <= set(tested.content)):
        yield f"{named(item)} lands and was not in the workspace that was tested"
    if item.batch or has_neighbours(state):
        yield from _landed_before(state, item, tested, inside)


def _landed_before(state: State, item: Item, tested: Item, inside: set[Ref]) -> Iterator[str]:
    """All that it was tested on has landed.

    Who is tested by itself, in a queue with none beside it, was found to be on that when the last one ahead of it had
    landed, like everybody before it (grounds.py): there this long list need not be gone through for each landing.
    """
    pipeline = state.layout.pipelines.get(item.pipeline)
    if pipeline is not None and pipeline.manager is Manager.DEPENDENT and not item.has_landed:
        for ref in tested.content:
            if ref not in inside and not has_landed(state, ref.change) and not _beside(state, item, tested):
                yield f"{named(item)} lands and was tested on {ref}, which has not landed"


def _beside(state: State, item: Item, tested: Item) -> bool:
    """Whether it has overtaken those that it was tested on, because neither touches the inputs of the other."""
    queue = state.queues.get(item.key)
    return tested is item and queue is not None and queue.dynamic


def _batch(state: State, item: Item) -> Iterator[str]:
    """Who is tested together with others is so for them as well; only the last has builds, and contains them all.

    Whose submit is on its way goes by what was true when it was sent.
    """
    if item.settled:
        return
    last = state.items.get(item.batch[-1])
    if last is None or item.id not in item.batch:
        yield f"{named(item)} is tested together with items that are not there"
        return
    for number in item.batch:
        other = state.items.get(number)
        if other is not None and other.batch != item.batch and not other.settled:
            yield f"{named(item)} is tested together with item {number}, which does not know of that"
    if item.preparation > last.preparation:
        yield f"{named(item)} was prepared after item {last.id}, which speaks for it"
    own = [run for run in item.runs if run.job.kind is not JobKind.REPORTER]
    if item is not last and any(run.phase not in (Phase.IDLE, Phase.DONE) or run.build for run in own):
        yield f"{named(item)} has builds of its own and is tested by those of item {last.id}"
    if not set(item.changes) <= set(last.content):
        yield f"{named(item)} is tested by item {last.id}, which does not contain it"


def _stopped(old: Item, event: Event, new: Item | None, actions: Sequence[Action]) -> Iterator[str]:
    """A build that an item does not have any more has ended or was stopped."""
    there, number = _builds_of(new), old.id
    for build in _builds_of(old):
        ended = isinstance(event, BuildDone) and event.build == build
        stopped = any(isinstance(action, CancelBuild) and action.build == build for action in actions)
        if not (build in there or ended or stopped):
            yield f"build {build} of item {number} was forgotten"
        if build in there and stopped:
            yield f"build {build} of item {number} was stopped and still counts"


def _under_way(old: Item, event: Event, after: State) -> Iterator[str]:
    """It has gone: nobody else stands for a change whose submit is on its way, for the answer would be nobody's."""
    if old.stage is not Stage.LANDING or isinstance(event, Submitted):
        return
    for change in old.names:
        for other in after.where.get(change) or ():
            if after.items[other].pipeline == old.pipeline:
                yield f"item {other} stands for {change}, which item {old.id} has submitted without an answer"


def _builds_of(item: Item | None) -> list[int]:
    """What runs for an item, also what an earlier generation of it has begun."""
    if item is None:
        return []
    runs = (*item.runs, *(one.run for one in item.going)) if item.going else item.runs
    return [run.build for run in runs if run.phase in _UP]


# ---- actions and resources


def _actions(before: State, after: State, actions: Sequence[Action]) -> Iterator[str]:
    latest = before.counter
    for action in actions:
        if action.id <= latest or action.id > after.counter:
            yield f"action {action.id} has an id that was used before"
        latest = max(latest, action.id)
        if isinstance(action, StartBuild):
            item = after.items.get(action.item)
            queue = after.queues.get(item.key) if item is not None else None
            was = before.queues.get(queue.key) if queue is not None else None
            if queue is not None and queue.reporting not in (0, action.item):
                yield f"a build of item {action.item} starts while item {queue.reporting} has reporter jobs"
            if queue is not None and queue.paused and was is not None and was.paused:
                yield f"a build starts in the paused queue {queue.label}"
        if isinstance(action, Submit):
            yield from _one_submit(after, action)
        if isinstance(action, Report) and action.kind == "failure":
            yield from _own_fault(before, after, action)


def _own_fault(before: State, after: State, action: Report) -> Iterator[str]:
    """Who is rejected for its jobs was tested on what has landed, and not on a neighbour that may be bad."""
    item = before.items.get(action.item)
    if item is None or after.layout.pipelines[item.pipeline].manager is not Manager.DEPENDENT:
        return
    for ref in item.content:
        facts = after.changes.get(ref.change)
        if ref not in item.changes and (facts is None or facts.status != "MERGED"):
            yield f"{action.ref} is rejected for what was tested on {ref}, which has not landed"


def _one_submit(state: State, action: Submit) -> Iterator[str]:
    item = state.items.get(action.item)
    if item is None or item.stage is not Stage.LANDING:
        yield f"{action.ref} is submitted and its item does not land"
        return
    if state.layout.pipelines[item.pipeline].manager is not Manager.DEPENDENT:
        return
    if item.submitted:
        return  # it has begun: another may have come to stand beside it, with its submit under way, by a reload
    yield from _proof(state, item)
    queue = state.queues[item.key]
    main = state.queues.get((queue.pipeline, queue.label)) or queue
    for name in (main.name, *main.beside):
        for number in getattr(state.queues.get((main.pipeline, name)), "line", ()):
            other = state.items[number]
            if name == main.name and not other.failing and other.stage not in (Stage.LOOKING, Stage.LANDING):
                break  # whoever is behind has it ahead, and may not land for that
            if number != item.id and other.stage is Stage.LANDING:
                yield f"{action.ref} is submitted while item {number} lands on the same branches"


def _semaphores(before: State, after: State) -> Iterator[str]:
    if after.semaphores is before.semaphores:
        return
    for name, one in after.semaphores.items():
        if len(one.holders) > max(after.layout.semaphores.get(name, 1), _held(before, name)):
            yield f"semaphore {name} is held {len(one.holders)} times"
        for number, at in one.holders:
            item = after.items.get(number)
            if item is None or at >= len(item.runs) or not item.runs[at].holding:
                yield f"semaphore {name} is held by item {number}, which does not need it any more"


def _held(before: State, name: str) -> int:
    """A layout that was read again may allow less than is held already."""
    known = before.semaphores.get(name)
    return len(known.holders) if known is not None else 0


def _queues(before: State, after: State) -> Iterator[str]:
    """Suspects are there; who is outside of the window and counts as having had its turn has something prepared."""
    if after.queues is before.queues:
        return
    for queue in after.queues.values():
        if queue.window and not queue.paused and not queue.reporting and before.queues.get(queue.key) is not queue:
            for place in range(queue.window, min(queue.active, len(queue.line))):
                number = queue.line.at(place)
                if number is not None and after.items[number].is_new:
                    yield f"item {number} is outside of the window and will not have its turn when that comes to it"
        gone = [number for number in queue.suspects if number not in queue.line]
        if gone:
            yield f"queue {queue.label} suspects item {gone[0]}, which it does not have"


# ---- a state in which nothing more follows


def at_rest(state: State) -> list[str]:
    """What is wrong with a state in which everything that could follow has been handled."""
    found: list[str] = []
    for queue in state.queues.values():
        reporter = state.items.get(queue.reporting)
        if queue.reporting and (reporter is None or reporter.stage is not Stage.REPORTING):
            found.append(f"queue {queue.label} stands still for item {queue.reporting}, which has no reporter jobs")
        if not queue.paused and not queue.reporting:
            found += _idle(state, queue)
    return found


def _idle(state: State, queue: Queue) -> Iterator[str]:
    if queue.pipeline not in state.layout.pipelines:
        yield f"queue {queue.label} belongs to no pipeline"
        return
    for place, number in enumerate(queue.line):
        if (queue.window and place >= queue.window) or (queue.suspects and number > queue.probe):
            return
        item = state.items[number]
        if not item.live:
            continue
        if item.stage is Stage.WAITING:
            yield f"{named(item)} could be prepared and is not"
        tested = state.items[item.batch[-1]] if item.batch else item
        done = item.stage is Stage.TESTED and all(run.phase is Phase.DONE for run in tested.runs)
        if done and not item.ahead and not queue.beside:
            yield f"{named(item)} is done and was not reported"
        if item.stage in (Stage.PREPARING, Stage.LOOKING, Stage.LANDING):
            yield f"{named(item)} waits for an answer that should have come: {item.stage.value}"
