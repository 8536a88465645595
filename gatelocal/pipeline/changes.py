"""What the review server tells: of changes, of branches, and its whole state when it is asked for it."""

from __future__ import annotations

from gatelocal.model.facts import Facts
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.pipeline import trunk
from gatelocal.pipeline.actions import ReadServer, WakeAt
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.enqueue import enqueue
from gatelocal.pipeline.events import ChangeEvent, RefUpdated, ServerRead, Started, Woken
from gatelocal.pipeline.land import end_reports, expel, tell_once
from gatelocal.pipeline.leave import leave, superseded
from gatelocal.pipeline.match import ref_triggered, triggered
from gatelocal.pipeline.ready import outdated
from gatelocal.pipeline.state import Item, Reason, Stage
from gatelocal.pipeline.switches import urgent

RECONCILE_EVERY = 600.0
"""Seconds between two readings of the server's state (the switch ``reconcile``)."""

_NOT_TOLD = ("no-project", "merged", "other-queue", "cycle")
"""Refusals that ``explain`` does not tell: they concern nobody, or have been told already."""


def take(draft: Draft, event: ChangeEvent) -> None:
    """An event of a change: housekeeping first, then the pipelines that it triggers (gate-semantics 1.2)."""
    update(draft, event.facts, event.tip)
    matching = [one for one in draft.layout.pipelines.values() if triggered(one, event, draft.now)]
    if matching:
        for facts in event.related:
            update(draft, facts)
    for pipeline in matching:
        reason = enqueue(draft, pipeline, event.ref)
        note_approval(draft, pipeline, event.facts)
        # Of what has landed, an approval that comes late asks nothing that is worth an answer.
        told = draft.policy.explain and event.facts.status != "MERGED"
        if reason is not None and told and reason.code not in _NOT_TOLD:
            tell_once(draft, pipeline.name, event.ref.change, 0, reason)


def update(draft: Draft, facts: Facts, tip: str = "") -> None:
    """Keep what is known of a change; items with it are looked at when something has changed.

    :param tip: where its branch is now that it has landed, if that was told.
    """
    before = draft.facts(facts.change)
    if before == facts:
        return
    draft.put_facts(facts)
    if before is not None and before.patchset != facts.patchset:
        draft.put_last(facts.change, Reason("new-patchset", (str(facts.patchset),)))
    if facts.status == "MERGED" and draft.policy.verify and _was_open(before):
        _landed_by_hand(draft, facts, tip)
    for number in draft.where(facts.change):
        item = draft.find(number)
        if item is None or item.settled:
            if item is not None and item.stage is Stage.REPORTING and outdated(draft, item):
                end_reports(draft, item)
            continue
        if item.live and facts.status == "ABANDONED":
            _abandoned(draft, item)
        elif item.live and (newer := outdated(draft, item)):
            superseded(draft, item, newer)
        elif item.live:
            draft.flag(number, Flag.STAY)
            if draft.policy.urgent and urgent.has_become(before, facts):
                urgent.move_beside(draft, item)
        else:
            draft.flag(draft.queue(item.key).line.last or number, Flag.STAY)


def _abandoned(draft: Draft, item: Item) -> None:
    """It leaves without a message; for the other members of its cycle it is what they need (gate-semantics 1.8)."""
    if len(item.changes) > 1 and draft.queue(item.key).paused:
        draft.flag(item.id, Flag.STAY)
    else:
        expel(draft, item, Reason("abandoned"))


def _was_open(before: Facts | None) -> bool:
    return before is not None and before.status != "MERGED"


def _landed_by_hand(draft: Draft, facts: Facts, tip: str) -> None:
    """The switch ``verify``: what landed by hand leaves, its branch has moved, its cycle is looked at anew."""
    known = (draft.find(number) for number in draft.where(facts.change))
    held = [item for item in known if item is not None and draft.pipeline(item).manager is Manager.DEPENDENT]
    if any(item.settled for item in held):
        return  # it is our own submit, of which the answer is on its way
    for item in held:
        leave(draft, item, Reason("merged"))
        draft.later += [(item.pipeline, ref) for ref in item.changes if ref.change != facts.change]
    if not tip or trunk.is_news(draft, (facts.project, facts.branch), tip):
        trunk.moved(draft, facts, tip)


def ref_updated(draft: Draft, event: RefUpdated) -> None:
    """A branch has moved: pipelines that run after that are triggered; ``verify`` notices what is not ours."""
    facts = event.facts
    if not event.ours and trunk.is_news(draft, (facts.project, facts.branch), event.tip):
        trunk.moved(draft, facts, event.tip)
    draft.put_facts(facts)
    for pipeline in draft.layout.pipelines.values():
        if ref_triggered(pipeline, event):
            enqueue(draft, pipeline, facts.ref)


# ---- the switch `reconcile`


def read_again(draft: Draft, event: Started | Woken) -> None:
    """Ask for the server's state: at the start, after a gap, every ten minutes."""
    if not draft.policy.reconcile:
        return
    if isinstance(event, Woken) and (not draft.wake or draft.now < draft.wake):
        return
    known = tuple(sorted({name for item in draft.all_items() for name in item.names}))
    draft.act(ReadServer(draft.number(), known))
    draft.wake = draft.now + RECONCILE_EVERY
    draft.act(WakeAt(draft.number(), draft.wake))


def server_read(draft: Draft, event: ServerRead) -> None:
    """Make up for lost events: what has changed is worked in, what is approved and was never tried enters."""
    told = tuple(map(draft.newest, event.facts))
    for facts in told:
        update(draft, facts)
    for project, branch, tip in event.tips:
        known = draft.tip((project, branch))
        if known is not None and known != tip and not trunk.submitting(draft, (project, branch)):
            trunk.moved(draft, Facts(f"{project} {branch}", 1, project, branch, status="BRANCH"), tip)
    for pipeline in draft.layout.pipelines.values():
        if pipeline.manager is Manager.DEPENDENT:
            for facts in told:
                _catch_up(draft, pipeline, facts)


def _catch_up(draft: Draft, pipeline: Pipeline, facts: Facts) -> None:
    """An open change whose approval would have brought it in, had its event arrived."""
    serial = _approval(pipeline, facts)
    if facts.status != "NEW" or not serial or draft.served(facts.change) == (facts.patchset, serial):
        return
    if draft.holding(pipeline.name, facts.change) is not None:
        return
    reason = enqueue(draft, pipeline, facts.ref)
    if reason is None or draft.policy.explain:
        note_approval(draft, pipeline, facts)
    if reason is not None and draft.policy.explain and reason.code not in _NOT_TOLD:
        tell_once(draft, pipeline.name, facts.change, 0, reason)


def note_approval(draft: Draft, pipeline: Pipeline, facts: Facts) -> None:
    """Remember which approval the change has had its try by."""
    if draft.policy.reconcile and (serial := _approval(pipeline, facts)):
        draft.put_served(facts.change, (facts.patchset, serial))


def _approval(pipeline: Pipeline, facts: Facts) -> int:
    """The latest vote on the change that triggers the pipeline, as the server counts; 0 for none."""
    wanted = {pair for trigger in pipeline.triggers for pair in trigger.approvals}
    return max((vote.serial for vote in facts.votes if (vote.label, vote.value) in wanted), default=0)
