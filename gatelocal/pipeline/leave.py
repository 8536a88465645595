"""How an item leaves, and what is said on its changes; it does not decide that it has to.

Who leaves without landing takes the ground from those behind: they are looked at again (gate-semantics 1.4, 1.8).
"""

from __future__ import annotations

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.model.record import changer
from gatelocal.pipeline import texts
from gatelocal.pipeline.actions import Report
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.provides import note_provided
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.state import Item, Reason, Stage
from gatelocal.pipeline.switches.beside import forsake, lands_no_more, left
from gatelocal.pipeline.switches.members import apart

VOICES = {"dependency": "failure", "requirement": "failure", "refused": "failure"}
"""Kinds of messages that are told with another kind's votes."""


def leave(draft: Draft, item: Item, reason: Reason) -> None:
    """Take an item out without a verdict: its builds are stopped, those behind and those that need it follow.

    A pipeline that reports that says so to those whom it has told that they are in (Zuul: ``dequeue``).
    """
    item = stop(draft, item)
    voice = draft.layout.pipelines.get(item.pipeline)
    told = item.started or (voice is not None and "enqueue" in voice.voices)
    if item.live and told and reason.code not in _REPORTED:
        say(draft, item, "dequeue", texts.rejected(item.pipeline, reason))
    take_out(draft, item, reason)


def superseded(draft: Draft, item: Item, newer: tuple[Facts, ...]) -> None:
    """The old version is removed at once; a cycle's other members try to enter again (gate-semantics 1.8)."""
    leave(draft, item, Reason("new-patchset", (str(newer[0].patchset),)))
    names = {facts.change for facts in newer}
    draft.later += [(item.pipeline, ref) for ref in item.changes if ref.change not in names]


_REPORTED = ("failed", "skipped", "conflict", "config", "votes", "wip", "needed", "refused", "half-landed", "no-jobs")
"""Reasons that come with a verdict of their own."""


def take_out(draft: Draft, item: Item, reason: Reason | None) -> None:
    """Remove an item whose builds have ended, and have its neighbours looked at."""
    follower = draft.queue(item.key).line.after(item.id)
    if item.live and draft.queue(item.key).dynamic:
        note_provided(draft, item)
    has_landed = reason is not None and reason.code == "merged"
    if draft.policy.batch and not item.has_landed:
        apart(draft, item)
    left(draft, item, has_landed=has_landed)
    if item.settled:
        lands_no_more(draft, item)
    draft.remove(item)
    if follower is not None:
        draft.flag(follower, Flag.BASE)
        forsake(draft, item, follower)
    if item.live:
        for ref in item.changes:
            draft.put_last(ref.change, reason)
            for number in draft.needing(ref.change):
                if draft.item(number).pipeline == item.pipeline:
                    draft.flag(number, Flag.STAY)
    queue = draft.queue_or_none(item.key)
    if queue is None:
        return
    pipeline = draft.layout.pipelines.get(item.pipeline)
    if queue.dynamic and (pipeline is None or pipeline.manager is Manager.INDEPENDENT):
        # Whatever was only there to be merged underneath goes with the live item of its queue.
        rest = [draft.item(number) for number in queue.line]
        if not any(one.live for one in rest):
            for one in rest:
                draft.remove(one)
        return
    draft.agenda.setdefault(item.key, {})


def refuse(draft: Draft, pipeline: Pipeline, change: str, reason: Reason) -> None:
    """Remember why a change did not enter; what cannot work at all is told on the change (gate-semantics 1.2)."""
    if draft.holding(pipeline.name, change) is None:
        draft.put_last(change, reason)
    facts = draft.facts(change)
    if reason.code in ("other-queue", "cycle") and facts is not None:
        _say_one(draft, pipeline, 0, facts.ref, "dependency", texts.rejected(pipeline.name, reason))


def tell_start(draft: Draft, item: Item) -> Item:
    """Report once, and whatever becomes of its builds, that the jobs of an item begin (gate-semantics 1.4, step 5)."""
    say(draft, item, "start", texts.started(item.pipeline))
    return draft.put(_begun(item, True))


_begun = changer(Item, "started")


def say(draft: Draft, item: Item, kind: str, text: str) -> None:
    """Post a message of the item's pipeline on each of its changes, with the votes of that kind."""
    pipeline = draft.layout.pipelines.get(item.pipeline)
    for ref in item.changes if pipeline is not None else ():
        facts = draft.facts(ref.change)
        if pipeline is not None and facts is not None and not facts.is_branch:
            _say_one(draft, pipeline, item.id, ref, kind, text)


def _say_one(draft: Draft, pipeline: Pipeline, item: int, ref: Ref, kind: str, text: str) -> None:
    voice = pipeline.voices.get(VOICES.get(kind, kind))
    if voice is not None:
        shown = "info" if kind in ("dequeue", "no-jobs", "enqueue") else kind
        votes = voice.votes if not voice.votes or _may_vote(draft, pipeline, ref) else ()
        draft.act(Report(draft.number(), item, ref, pipeline.name, shown, text, votes))


def _may_vote(draft: Draft, pipeline: Pipeline, ref: Ref) -> bool:
    """Whether no other pipeline lands the change just now: its submit needs that one's vote, and we have one vote."""
    others = (draft.item(number) for number in draft.where(ref.change))
    return not any(one.stage is Stage.LANDING and one.pipeline != pipeline.name for one in others)


def inform(draft: Draft, pipeline: str, ref: Ref, item: int, kind: str, text: str) -> None:
    """Post a message without votes."""
    draft.act(Report(draft.number(), item, ref, pipeline, kind, text))
