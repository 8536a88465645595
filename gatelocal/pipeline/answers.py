"""What the merger, the launcher and the executor answer; answers of an old generation are ignored."""

from __future__ import annotations

from gatelocal.model.layout import JobKind
from gatelocal.model.record import changer, replace
from gatelocal.pipeline import builds, reuse, texts
from gatelocal.pipeline.doubt import ended
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.events import BuildDone, BuildDoomed, BuildPaused, NodeAnswer, NodeWaits, Prepared
from gatelocal.pipeline.leave import inform
from gatelocal.pipeline.state import Item, JobRun, Phase, Stage
from gatelocal.pipeline.switches.beside import look

_RUNNING = (Phase.RUNNING, Phase.PAUSED, Phase.RESUMED)
_on_bases = changer(Item, "bases")
_ended = changer(JobRun, "phase", "result", "artifacts", "children")
_OF_A_BUILD = (BuildDone, BuildPaused, BuildDoomed)


def take(draft: Draft, event: BuildDone | BuildPaused | BuildDoomed | NodeAnswer | NodeWaits | Prepared) -> None:
    """Work an answer into its item."""
    item = draft.find(event.item)
    if item is None:
        return
    if isinstance(event, _OF_A_BUILD):
        at = _place(item, event)
        if at is not None:
            _build(draft, item, at, event)
        elif item.going and not isinstance(event, BuildDoomed):
            reuse.ended(draft, item, event)
    elif item.generation != event.generation:
        return
    elif isinstance(event, Prepared):
        _prepared(draft, item, event)
    else:
        _node(draft, item, event)
    draft.flag(item.id, Flag.JOBS)


def _place(item: Item, event: BuildDone | BuildPaused | BuildDoomed) -> int | None:
    """The run that a build is for; one that was taken over has come from another generation."""
    same = item.generation == event.generation
    for at in (event.run,) if same and event.run < len(item.runs) else () if same else range(len(item.runs)):
        if item.runs[at].build == event.build and item.runs[at].phase in _RUNNING:
            return at
    return None


def _node(draft: Draft, item: Item, event: NodeAnswer | NodeWaits) -> None:
    run = item.runs[event.run] if event.run < len(item.runs) else None
    if run is None or run.phase not in (Phase.NODE, Phase.SHORT) or run.request != event.action:
        return
    if isinstance(event, NodeWaits):
        builds.node_short(draft, item, event.run)
    elif event.ready:
        builds.node_ready(draft, item, event.run)
    elif run.control_of >= 0:
        ended(draft, item, event.run, replace(run, phase=Phase.DONE, result="NODE_FAILURE"))
    else:
        builds.no_node(draft, item, event.run)


def _build(draft: Draft, item: Item, at: int, event: BuildDone | BuildPaused | BuildDoomed) -> None:
    run = item.runs[at]
    match event:
        case BuildDoomed():
            # With a second opinion to come, the announcement of a failure is none yet.
            if not (draft.policy.confirm or draft.policy.pause_on_broken_trunk):
                builds.doomed(draft, item, at)
        case BuildPaused():
            stays = replace(run, artifacts=event.artifacts, children=event.children)
            builds.paused(draft, item, at, stays)
        case BuildDone():
            if event.result in ("LOST", "STOPPED"):
                builds.lost(draft, item, at, event.result)
                return
            children = event.children if event.children is not None else run.children
            artifacts = event.artifacts or run.artifacts
            done = _ended(run, Phase.DONE, event.result, artifacts, children)
            end = builds.finish if item.stage is Stage.REPORTING else ended
            end(draft, item, at, done)


def _prepared(draft: Draft, item: Item, event: Prepared) -> None:
    """The workspace is there, or cannot be."""
    for project, branch, tip in event.bases:
        if draft.tip((project, branch)) is None:
            draft.put_tip((project, branch), tip)
            draft.put_glimpsed((project, branch), tip)
    if event.action != item.preparation:
        _control_prepared(draft, item, event)
        return
    if item.stage is not Stage.PREPARING:
        return
    item = _on_bases(item, event.bases)
    problem = next((graph.problem for graph in event.graphs if graph.problem), "")
    if problem:
        draft.put(replace(item, stage=Stage.BROKEN, problem=problem))
    elif not event.merged:
        _conflict(draft, item, event)
    else:
        builds.begin(draft, item, event.graphs)
    if item.going:
        reuse.settled(draft, draft.item(item.id))
    if draft.policy.urgent or draft.policy.overtake or draft.policy.late_restart:
        look(draft, item)


def _conflict(draft: Draft, item: Item, event: Prepared) -> None:
    """It cannot be merged. Whether it has jobs at all is known before that (Zuul freezes its job graph first)."""
    if all(job.kind is JobKind.REPORTER for graph in event.graphs for job in graph.jobs):
        draft.put(replace(item, stage=Stage.TESTED, runs=()))
        return
    item = draft.put(replace(item, stage=Stage.CONFLICT, conflicts=event.conflicts))
    _tell_early(draft, item)


def _control_prepared(draft: Draft, item: Item, event: Prepared) -> None:
    for at, run in enumerate(item.runs):
        if run.control_of >= 0 and run.preparation == event.action and run.phase is Phase.PREPARING:
            ready = replace(run, phase=Phase.IDLE)
            draft.put(replace(item, runs=(*item.runs[:at], ready, *item.runs[at + 1 :])))
            return


def _tell_early(draft: Draft, item: Item) -> None:
    """The switch ``early_conflict``: a conflict with a change ahead is told when it is found, once."""
    if not draft.policy.early_conflict or not item.ahead:
        return
    mark = "conflict " + " ".join(item.conflicts)
    if mark in item.told:
        return
    item = draft.put(replace(item, told=(*item.told, mark)))
    for ref in item.changes:
        inform(draft, item.pipeline, ref, item.id, "conflict", texts.early_conflict(item.pipeline, item.conflicts))
