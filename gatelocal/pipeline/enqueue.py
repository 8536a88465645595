"""How a change enters a pipeline, with what must come before it and what waits for it; nothing is tested here.

The rules are Zuul's (gate-semantics 1.2, 1.9, 1.10). Stacks may be of any length: nothing here is recursive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gatelocal.depends.cycles import components
from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.pipeline.draft import Draft, Flag, empty_queue
from gatelocal.pipeline.leave import leave, refuse
from gatelocal.pipeline.ready import obstacle, open_needs, outdated_parent, queue_name, requirement
from gatelocal.pipeline.state import Item, QueueKey, Reason


@dataclass(slots=True)
class _Entry:
    """One attempt to bring changes into a pipeline.

    :ivar groups: change → the cycle that it is part of. :ivar keys: change → its queue.
    """

    draft: Draft
    pipeline: Pipeline
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keys: dict[str, QueueKey | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Task:
    """A step that is still to be done. :ivar root: the change whose attempt it is part of, ended by a refusal."""

    verb: str
    change: str
    root: str
    forced: bool


def enqueue(draft: Draft, pipeline: Pipeline, ref: Ref, *, forced: bool = False) -> Reason | None:
    """Bring a patchset into a pipeline; the reason if that cannot be.

    :param forced: an operator wants it: the pipeline's requirements do not count, dependencies and readiness do.
    """
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    if _there(draft, pipeline, ref):
        return None
    match pipeline.manager:
        case Manager.DEPENDENT:
            if ref.patchset != facts.patchset:
                return Reason("old-patchset", (str(ref),))
            reason = _dependent(draft, pipeline, ref.change, forced)
        case Manager.INDEPENDENT:
            reason = _independent(draft, pipeline, ref, forced)
        case Manager.SERIAL | Manager.SUPERCEDENT:
            reason = _alone(draft, pipeline, ref, forced)
    if reason is None:
        _supersede(draft, pipeline, ref.change)
    return reason


def _there(draft: Draft, pipeline: Pipeline, ref: Ref) -> bool:
    """Whether the very patchset is a live part of the pipeline already."""
    items = (draft.item(number) for number in draft.where(ref.change))
    return any(item.live and item.pipeline == pipeline.name and ref in item.changes for item in items)


def _supersede(draft: Draft, pipeline: Pipeline, change: str) -> None:
    """Whoever enters this pipeline leaves those that it supercedes (Zuul: ``supercedes``)."""
    for name in pipeline.supercedes:
        item = draft.holding(name, change)
        if item is not None:
            leave(draft, item, Reason("superseded", (pipeline.name,)))


# ---- dependent


def _dependent(draft: Draft, pipeline: Pipeline, change: str, forced: bool) -> Reason | None:
    """Bring a change in, after what it needs and before what is ready and needs it."""
    entry = _Entry(draft, pipeline)
    tasks = [_Task("enter", change, change, forced)]
    refused: dict[str, Reason] = {}
    while tasks:
        task = tasks.pop()
        if _queued(entry, task.change):
            continue
        if task.verb == "append":
            tasks += reversed(_append(entry, task))
            continue
        if task.root == task.change and task.root in refused:
            continue
        reason = _admit(entry, task.change, task.forced)
        if reason is not None:
            if task.change == task.root or reason.code in ("other-queue", "cycle"):
                refuse(draft, pipeline, task.change, reason)
            refused[task.root] = reason if task.change == task.root else Reason("needs", (task.change,))
            _give_up(tasks, task.root)
            continue
        tasks.append(_Task("append", task.change, task.root, task.forced))
        ahead = _ahead(entry, task.change)
        tasks += [_Task("enter", name, task.root, task.forced) for name in reversed(ahead)]
    return refused.get(change) if not _queued(entry, change) else None


def _give_up(tasks: list[_Task], root: str) -> None:
    """Drop what was to be done for the sake of a change that was refused."""
    while tasks and tasks[-1].root == root:
        tasks.pop()


def _queued(entry: _Entry, change: str) -> bool:
    return entry.draft.holding(entry.pipeline.name, change) is not None


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
    for name, key in zip(group, keys, strict=True):
        facts = entry.draft.facts(name)
        found = queue_name(entry.draft.layout, entry.pipeline, facts) if facts else None
        if key != keys[0] or found is None:
            return Reason("other-queue", (name,))
        if not found[1].cycles:
            return Reason("cycle", tuple(group))
    return None


def _need_problem(entry: _Entry, group: Sequence[str]) -> Reason | None:
    """What is needed must be in the same queue, current and ready to land (Zuul: getMissingNeededChanges)."""
    key = _queue_of(entry, group[0])
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
            if _queue_of(entry, needed) != key:
                return Reason("other-queue", (needed,))
            other = entry.draft.facts(needed)
            if other is None:
                return Reason("unknown", (needed,))
            if not _queued(entry, needed) and obstacle(entry.pipeline, other) is not None:
                return Reason("needs", (needed,))
    return None


def _queue_of(entry: _Entry, change: str) -> QueueKey | None:
    if change not in entry.keys:
        facts = entry.draft.facts(change)
        found = queue_name(entry.draft.layout, entry.pipeline, facts) if facts else None
        entry.keys[change] = (entry.pipeline.name, found[0]) if found else None
    return entry.keys[change]


def _ahead(entry: _Entry, change: str) -> tuple[str, ...]:
    """What the cycle of the change needs, has not landed and is not queued yet."""
    group = _group(entry, change)
    names = [n for one in group for n in open_needs(entry.draft, _known(entry, one)) if n not in group]
    return tuple(name for name in dict.fromkeys(names) if not _queued(entry, name))


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
    needs = [n for one in group for n in open_needs(draft, _known(entry, one)) if n not in group]
    refs = tuple(_known(entry, name).ref for name in group)
    _place(draft, key, refs, tuple(dict.fromkeys(needs)))
    return [_Task("enter", name, name, False) for one in group for name in _behind(entry, one, key)]


def _behind(entry: _Entry, change: str, key: QueueKey) -> list[str]:
    """Changes that need this one, wait in the same queue and are ready (Zuul: enqueue behind)."""
    found = []
    for name in _known(entry, change).needed_by:
        facts = entry.draft.facts(name)
        if facts is None or facts.status != "NEW" or _queue_of(entry, name) != key:
            continue
        if obstacle(entry.pipeline, facts) is None:
            found.append(name)
    return found


def _place(draft: Draft, key: QueueKey, refs: tuple[Ref, ...], needs: tuple[str, ...], *, live: bool = True) -> None:
    item = Item(draft.number(), key[0], key[1], refs, live, draft.now, needs)
    draft.add(item)
    draft.flag(item.id, Flag.BASE)
    if live:
        for ref in refs:
            draft.put_last(ref.change, None)


def _group(entry: _Entry, change: str) -> tuple[str, ...]:
    """The cycle of a change in merge order: the change alone when it is in none."""
    if change not in entry.groups:
        for group in _groups(entry, change):
            for name in group:
                entry.groups.setdefault(name, group)
    return entry.groups[change]


def _groups(entry: _Entry, change: str) -> list[tuple[str, ...]]:
    """The change and all that it needs and that is not queued, as cycles, each after those that it needs."""
    known = entry.draft.facts(change)
    if known is None or not known.needs:
        return [(change,)]
    needs: dict[str, tuple[str, ...]] = {}
    pending = [change]
    while pending:
        name = pending.pop()
        if name in needs:
            continue
        facts = entry.draft.facts(name)
        counts = name == change or not _queued(entry, name)
        needs[name] = open_needs(entry.draft, facts) if counts and facts is not None else ()
        pending += needs[name]
    if not needs[change]:
        return [(change,)]
    return [_in_order(entry.draft, group, needs, change) for group in components(needs, change)]


def _in_order(draft: Draft, group: frozenset[str], needs: dict[str, tuple[str, ...]], start: str) -> tuple[str, ...]:
    """The members of a cycle: depth first from the one that enters, reversed; a git parent precedes its child."""
    if len(group) == 1:
        return tuple(group)
    first = start if start in group else next(name for name in needs if name in group)
    seen: dict[str, None] = {}
    pending = [first]
    while pending:
        name = pending.pop()
        if name in seen or name not in group:
            continue
        seen[name] = None
        pending += reversed(needs[name])
    ordered = list(reversed(seen))
    for name in list(ordered):
        facts = draft.facts(name)
        parent = facts.parent.change if facts and facts.parent else None
        if parent in ordered and ordered.index(parent) > ordered.index(name):
            ordered.remove(parent)
            ordered.insert(ordered.index(name), parent)
    return tuple(ordered)


# ---- independent, serial, supercedent


def _independent(draft: Draft, pipeline: Pipeline, ref: Ref, forced: bool) -> Reason | None:
    """A queue of its own for the change, behind what it needs, which is merged but not tested (gate-semantics 1.10)."""
    entry = _Entry(draft, pipeline)
    facts = _known(entry, ref.change)
    if queue_name(draft.layout, pipeline, facts) is None:
        return Reason("no-project", (pipeline.name,))
    groups = [(ref.change,)] if pipeline.ignore_dependencies or facts.is_branch else _independent_groups(entry, facts)
    own = groups[-1]
    for group in groups:
        for name in group:
            known = draft.facts(name)
            reason = Reason("unknown", (name,)) if known is None else None
            if not (forced and group is own):
                reason = reason or requirement(draft, pipeline, ref if name == ref.change else _known(entry, name).ref)
            if reason is not None:
                reason = reason if name == ref.change else Reason("needs", (name,))
                refuse(draft, pipeline, ref.change, reason)
                return reason
        problem = _cycle_problem(entry, group) if len(group) > 1 else None
        if problem is not None:
            refuse(draft, pipeline, ref.change, problem)
            return problem
    key = (pipeline.name, f"{facts.project}#{draft.number()}")
    draft.put_queue(empty_queue(pipeline, key[1], facts.project, dynamic=True))
    for group in groups:
        refs = tuple(ref if name == ref.change else _wanted(draft, groups, name) for name in group)
        _place(draft, key, refs, (), live=group is own)
    return None


def _independent_groups(entry: _Entry, facts: Facts) -> list[tuple[str, ...]]:
    needs: dict[str, tuple[str, ...]] = {}
    pending = [facts.change]
    while pending:
        name = pending.pop()
        if name in needs:
            continue
        known = entry.draft.facts(name)
        needs[name] = open_needs(entry.draft, known) if known is not None else ()
        pending += needs[name]
    return [_in_order(entry.draft, group, needs, facts.change) for group in components(needs, facts.change)]


def _wanted(draft: Draft, groups: Sequence[Sequence[str]], change: str) -> Ref:
    """The patchset that is merged underneath: the one that is a git parent, otherwise the current one."""
    for group in groups:
        for name in group:
            facts = draft.facts(name)
            if facts is not None and facts.parent is not None and facts.parent.change == change:
                return facts.parent
    facts = draft.facts(change)
    return facts.ref if facts is not None else Ref(change, 1)


def _alone(draft: Draft, pipeline: Pipeline, ref: Ref, forced: bool) -> Reason | None:
    """At the end of the queue of its project and branch; a supercedent queue keeps the first and the latest."""
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    found = queue_name(draft.layout, pipeline, facts)
    reason = Reason("no-project", (pipeline.name,)) if found is None else None
    reason = reason or (None if forced else requirement(draft, pipeline, ref))
    if reason is not None or found is None:
        if reason is not None:
            refuse(draft, pipeline, ref.change, reason)
        return reason
    key = (pipeline.name, found[0])
    if draft.queue_or_none(key) is None:
        dynamic = pipeline.manager is Manager.SUPERCEDENT
        draft.put_queue(empty_queue(pipeline, key[1], key[1], dynamic=dynamic))
    _place(draft, key, (ref,), ())
    if pipeline.manager is Manager.SUPERCEDENT:
        for number in tuple(draft.queue(key).line)[1:-1]:
            leave(draft, draft.item(number), Reason("superseded", (pipeline.name,)))
    return None
