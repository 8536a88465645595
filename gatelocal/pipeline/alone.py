"""How a change enters a pipeline that lands nothing: independent, serial, supercedent (gate-semantics 1.10).

What it needs is merged underneath or has landed; nothing else is brought in with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.pipeline.draft import Draft, empty_queue
from gatelocal.pipeline.grouping import groups
from gatelocal.pipeline.leave import leave, refuse
from gatelocal.pipeline.place import Manner, put_in
from gatelocal.pipeline.ready import may_cycle, queue_name, requirement
from gatelocal.pipeline.state import Reason

Groups = Sequence[tuple[str, ...]]


def independent(draft: Draft, pipeline: Pipeline, ref: Ref, manner: Manner) -> Reason | None:
    """A queue of its own for the change, behind what it needs, which is merged but not tested."""
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    if queue_name(draft.layout, pipeline, facts) is None:
        return Reason("no-project", (pipeline.name,))
    alone = pipeline.ignore_dependencies or facts.is_branch
    found = [(ref.change,)] if alone else groups(draft, ref.change, (), old_parents=True)
    reason = _problem(draft, pipeline, ref, found, forced=manner.forced)
    if reason is not None:
        refuse(draft, pipeline, ref.change, reason)
        return reason
    key = (pipeline.name, f"{facts.project}#{draft.number()}")
    draft.put_queue(empty_queue(pipeline, key[1], facts.project, dynamic=True))
    for group in found:
        refs = tuple(_wanted(draft, found, name, ref) for name in group)
        put_in(draft, key, refs, manner, live=group is found[-1])
    return None


def _problem(draft: Draft, pipeline: Pipeline, ref: Ref, found: Groups, *, forced: bool) -> Reason | None:
    """The requirements hold for what is merged underneath, too: nobody runs what nobody has looked at."""
    for group in found:
        for name in group:
            reason = Reason("unknown", (name,)) if draft.facts(name) is None else None
            if not forced:
                reason = reason or requirement(draft, pipeline, _wanted(draft, found, name, ref))
            if reason is not None:
                return reason if name == ref.change else Reason("needs", (name,))
        if len(group) > 1 and not may_cycle(draft, group):
            return Reason("cycle", group)
    return None


def _wanted(draft: Draft, found: Groups, change: str, ref: Ref) -> Ref:
    """The patchset that is merged: the one that was asked for or is a git parent, otherwise the current one."""
    if change == ref.change:
        return ref
    for facts in (draft.facts(name) for group in found for name in group):
        if facts is not None and facts.parent is not None and facts.parent.change == change:
            return facts.parent
    known = draft.facts(change)
    return known.ref if known is not None else Ref(change, 1)


def in_line(draft: Draft, pipeline: Pipeline, ref: Ref, manner: Manner) -> Reason | None:
    """At the end of the queue of its project and branch; a supercedent queue keeps the first and the latest."""
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    name = queue_name(draft.layout, pipeline, facts)
    if name is None:
        return Reason("no-project", (pipeline.name,))
    found = _members(draft, pipeline, facts)
    reason = _problem(draft, pipeline, ref, [found], forced=manner.forced)
    if reason is not None:
        refuse(draft, pipeline, ref.change, reason)
        return reason
    key = (pipeline.name, name[0])
    if draft.queue_or_none(key) is None:
        dynamic = pipeline.manager is Manager.SUPERCEDENT
        draft.put_queue(empty_queue(pipeline, key[1], key[1], dynamic=dynamic))
    put_in(draft, key, tuple(_wanted(draft, [found], name, ref) for name in found), manner)
    if pipeline.manager is Manager.SUPERCEDENT:
        for number in tuple(draft.queue(key).line)[1:-1]:
            leave(draft, draft.item(number), Reason("superseded", (pipeline.name,)))
    return None


def _members(draft: Draft, pipeline: Pipeline, facts: Facts) -> tuple[str, ...]:
    """The cycle of a change in a serial pipeline; a supercedent one takes every change by itself."""
    if pipeline.manager is Manager.SUPERCEDENT or pipeline.ignore_dependencies or facts.is_branch:
        return (facts.change,)
    return groups(draft, facts.change, (), old_parents=True)[-1]
