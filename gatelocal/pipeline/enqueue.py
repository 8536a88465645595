"""How a change enters a pipeline, with what must come before it and what waits for it; nothing is tested here.

The rules are Zuul's (gate-semantics 1.2, 1.9). Stacks may be of any length: nothing here is recursive.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.model.record import dataclass
from gatelocal.pipeline import alone
from gatelocal.pipeline.draft import Draft, empty_queue
from gatelocal.pipeline.grouping import groups, has_other_members
from gatelocal.pipeline.leave import leave, refuse
from gatelocal.pipeline.place import Manner, put_in
from gatelocal.pipeline.ready import (
    may_cycle,
    needs_gone,
    obstacle,
    open_needs,
    outdated_parent,
    queue_name,
    requirement,
)
from gatelocal.pipeline.state import Item, QueueKey, Reason
from gatelocal.pipeline.switches import urgent


class _Entry:
    """One attempt to bring changes into a pipeline.

    :ivar groups: change → the cycle that it is part of. :ivar keys: change → its queue.
    """

    __slots__ = ("draft", "groups", "keys", "manner", "pipeline")

    def __init__(self, draft: Draft, pipeline: Pipeline, manner: Manner) -> None:
        self.draft, self.pipeline, self.manner = draft, pipeline, manner
        self.groups: dict[str, tuple[str, ...]] = {}
        self.keys: dict[str, QueueKey | None] = {}


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """To bring in one change with what it needs; several for the same change may be under way at once."""

    change: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    """A step that is still to be done. :ivar attempt: what it is part of, and what a refusal ends."""

    verb: str
    change: str
    attempt: _Attempt


def enqueue(draft: Draft, pipeline: Pipeline, ref: Ref, manner: Manner | None = None) -> Reason | None:
    """Bring a patchset into a pipeline; the reason if that cannot be."""
    manner = manner or Manner(ref.change)
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    if _there(draft, pipeline, ref):
        return None
    match pipeline.manager:
        case Manager.DEPENDENT:
            if ref.patchset != facts.patchset:
                return Reason("old-patchset", (str(ref),))
            return _dependent(_Entry(draft, pipeline, manner), ref.change)
        case Manager.INDEPENDENT:
            return alone.independent(draft, pipeline, ref, manner)
        case Manager.SERIAL | Manager.SUPERCEDENT:
            return alone.in_line(draft, pipeline, ref, manner)


def enqueue_later(draft: Draft) -> None:
    """Bring back in what had to leave for a moment, whatever the pipeline's requirements say (gate-semantics 1.8)."""
    pipeline, ref = draft.later.pop(0)
    known = draft.layout.pipelines.get(pipeline)
    if known is not None:
        enqueue(draft, known, ref, Manner(ref.change, forced=True))


def regrouped(draft: Draft, item: Item) -> bool:
    """Whether an item was taken out because its changes are not one cycle any more, or part of a larger one.

    They try to enter again (gate-semantics 1.4, step 1). Only when something that it needs has gone can that be.
    """
    if not needs_gone(draft, item) or not has_other_members(draft, item):
        return False
    leave(draft, item, Reason("cycle-changed", item.names))
    draft.later += [(item.pipeline, ref) for ref in item.changes]
    return True


def _there(draft: Draft, pipeline: Pipeline, ref: Ref) -> bool:
    """Whether the very patchset is a live part of the pipeline already."""
    items = (draft.item(number) for number in draft.where(ref.change))
    return any(item.live and item.pipeline == pipeline.name and ref in item.changes for item in items)


def _dependent(entry: _Entry, change: str) -> Reason | None:
    """Bring a change in, after what it needs and before what is ready and needs it."""
    facts = entry.draft.facts(change)
    if facts is not None and not facts.needs and not facts.needed_by:
        return _by_itself(entry, change)
    tasks = [_Task("enter", change, _Attempt(change, entry.manner.forced))]
    refused: dict[str, Reason] = {}
    while tasks:
        task = tasks.pop()
        if _queued(entry, task.change):
            continue
        whole, enters = task.attempt.change, task.verb == "enter"
        if enters and whole == task.change and whole in refused:
            continue
        reason = _admit(entry, task.change, task.attempt.forced) if enters else _torn(entry, task.change)
        if reason is not None:
            if task.change == whole or reason.code in ("other-queue", "cycle"):
                refuse(entry.draft, entry.pipeline, task.change, reason)
            refused[whole] = reason if task.change == whole else Reason("needs", (task.change,))
            _give_up(tasks, task.attempt)
        elif enters:
            tasks.append(_Task("append", task.change, task.attempt))
            tasks += [_Task("enter", name, task.attempt) for name in reversed(_ahead(entry, task.change))]
        else:
            tasks += reversed(_append(entry, task))
    return refused.get(change) if not _queued(entry, change) else None


def _by_itself(entry: _Entry, change: str) -> Reason | None:
    """Bring in a change that needs no other and that no other needs: most are such."""
    if _queued(entry, change):
        return None
    reason = _admit(entry, change, entry.manner.forced)
    if reason is not None:
        refuse(entry.draft, entry.pipeline, change, reason)
    else:
        _append(entry, _Task("append", change, _Attempt(change)))
    return reason


def _give_up(tasks: list[_Task], attempt: _Attempt) -> None:
    """Drop what was to be done for the sake of a change that was refused."""
    while tasks and tasks[-1].attempt is attempt:
        tasks.pop()


def _queued(entry: _Entry, change: str) -> bool:
    return entry.draft.holding(entry.pipeline.name, change) is not None


class _Queued:
    """The changes that are in the pipeline."""

    def __init__(self, entry: _Entry) -> None:
        self._entry = entry

    def __contains__(self, change: object) -> bool:
        return isinstance(change, str) and _queued(self._entry, change)


def _group(entry: _Entry, change: str) -> tuple[str, ...]:
    """The cycle of a change in merge order: the change alone when it is in none."""
    if change not in entry.groups:
        for group in groups(entry.draft, change, _Queued(entry)):
            for name in group:
                entry.groups.setdefault(name, group)
    return entry.groups[change]


def _admit(entry: _Entry, change: str, forced: bool) -> Reason | None:
    """Why the cycle of the change (mostly the change alone) cannot enter; what it needs is asked one step deep."""
    draft, pipeline = entry.draft, entry.pipeline
    group = _group(entry, change)
    for name in group:
        facts = draft.facts(name)
        if facts is None:
            return Reason("unknown", (name,))
        reason = None if forced else requirement(draft, pipeline, facts.ref)
        reason = reason or obstacle(pipeline, facts)
        if reason is None and facts.status == "MERGED":
            reason = Reason("merged")
        if reason is not None:
            return reason if name == change else Reason("needs", (name,))
    return _cycle_problem(entry, group) or _need_problem(entry, group)


def _cycle_problem(entry: _Entry, group: Sequence[str]) -> Reason | None:
    """A cycle must be allowed by the queue of each member; all members share one queue."""
    keys = [_queue_of(entry, name) for name in group]
    if keys[0] is None:
        return Reason("no-project", (entry.pipeline.name,))
    if len(group) == 1:
        return None
    if not may_cycle(entry.draft, group):
        return Reason("cycle", tuple(group))
    others = [name for name, key in zip(group, keys, strict=True) if key != keys[0]]
    return Reason("other-queue", (others[0],)) if others else None


def _need_problem(entry: _Entry, group: Sequence[str]) -> Reason | None:
    """What is needed must be in the same queue, current and ready to land (Zuul: getMissingNeededChanges).

    That it is in another queue is told, whatever else is in the way.
    """
    key = _queue_of(entry, group[0])
    elsewhere = _needed_elsewhere(entry, group, key)
    if elsewhere is not None:
        return Reason("other-queue", (elsewhere,))
    for name in group:
        facts = entry.draft.facts(name)
        if facts is None:
            continue
        old = outdated_parent(entry.draft, facts)
        if old is not None:
            return Reason("outdated", (str(old),))
        for needed in open_needs(entry.draft, facts):
            if needed in group:
                continue
            other = entry.draft.facts(needed)
            if other is None:
                return Reason("unknown", (needed,))
            if not _queued(entry, needed) and obstacle(entry.pipeline, other) is not None:
                return Reason("needs", (needed,))
    return None


def _torn(entry: _Entry, change: str) -> Reason | None:
    """The switch ``urgent``: what is needed stands partly in the queue and partly beside it, and has to land first."""
    key = _queue_of(entry, change)
    if not entry.draft.policy.urgent or key is None:
        return None
    needs = _needs(entry, change)
    return Reason("needs", needs[:1]) if urgent.split(entry.draft, key, needs) else None


def _needed_elsewhere(entry: _Entry, group: Sequence[str], key: QueueKey | None) -> str | None:
    for name in group:
        for needed in open_needs(entry.draft, _known(entry, name)):
            if needed not in group and _queue_of(entry, needed) != key:
                return needed
    return None


def _queue_of(entry: _Entry, change: str) -> QueueKey | None:
    if change not in entry.keys:
        facts = entry.draft.facts(change)
        found = queue_name(entry.draft.layout, entry.pipeline, facts) if facts else None
        entry.keys[change] = (entry.pipeline.name, found[0]) if found else None
    return entry.keys[change]


def _ahead(entry: _Entry, change: str) -> tuple[str, ...]:
    """What the cycle of the change needs, has not landed and is not queued yet."""
    return tuple(name for name in _needs(entry, change) if not _queued(entry, name))


def _needs(entry: _Entry, change: str) -> tuple[str, ...]:
    """What the cycle of the change needs and has not landed."""
    group = _group(entry, change)
    names = [n for one in group for n in open_needs(entry.draft, _known(entry, one)) if n not in group]
    return tuple(dict.fromkeys(names))


def _known(entry: _Entry, change: str) -> Facts:
    facts = entry.draft.facts(change)
    if facts is None:
        raise KeyError(change)
    return facts


def _append(entry: _Entry, task: _Task) -> list[_Task]:
    """Put the cycle of the change at the end of its queue; returns the attempts of those that need it."""
    draft = entry.draft
    group = _group(entry, task.change)
    key = _queue_of(entry, task.change)
    if key is None:
        return []
    if draft.queue_or_none(key) is None:
        draft.put_queue(empty_queue(entry.pipeline, key[1], key[1]))
    needs = _needs(entry, task.change)
    refs = tuple(_known(entry, name).ref for name in group)
    base = key
    if draft.policy.urgent:
        root = task.attempt.change
        key = urgent.place(draft, key, group, needs, root, _needs(entry, root))
    put_in(draft, key, refs, entry.manner, needs=needs)
    return [_Task("enter", name, _Attempt(name)) for one in group for name in _behind(entry, one, base)]


def _behind(entry: _Entry, change: str, key: QueueKey) -> list[str]:
    """Changes that need this one, wait in the same queue and are ready (Zuul: enqueue behind).

    The pipeline's requirements are asked of them even when an operator has forced the one ahead.
    """
    found = []
    for name in _known(entry, change).needed_by:
        facts = entry.draft.facts(name)
        if facts is None or facts.status != "NEW" or _queue_of(entry, name) != key:
            continue
        if obstacle(entry.pipeline, facts) is None:
            found.append(name)
    return found
