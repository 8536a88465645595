"""Which changes enter together: the cycle of a change and its order; it puts nothing into a queue.

The rules are Zuul's (gate-semantics 1.2, 1.9). Chains may be of any length: nothing here is recursive.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from gatelocal.depends.cycles import components
from gatelocal.model.facts import Facts
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.ready import open_needs, outdated_parent
from gatelocal.pipeline.state import Item

Needs = dict[str, tuple[str, ...]]
_Ask = Callable[[Draft, Facts], tuple[str, ...]]


def groups(draft: Draft, change: str, settled: Container[str], *, old_parents: bool = False) -> list[tuple[str, ...]]:
    """The change and all that it needs, as cycles in merge order, each after those that it needs.

    :param settled: changes whose own needs do not matter any more, since they wait in the queue already.
    :param old_parents: a git parent counts although it is no longer the current patchset, as where nothing lands.
    """
    known = draft.facts(change)
    if known is None or not known.needs:
        return [(change,)]
    needs = _needs(draft, change, settled, open_needs if old_parents else _needed)
    if not needs[change]:
        return [(change,)]
    return [_in_order(draft, group, needs, change) for group in components(needs, change)]


def _needs(draft: Draft, change: str, settled: Container[str], ask: _Ask) -> Needs:
    """What the change and all that it needs need, as far as that has not landed."""
    needs: Needs = {}
    pending = [change]
    while pending:
        name = pending.pop()
        if name in needs:
            continue
        facts = draft.facts(name)
        counts = name == change or name not in settled
        needs[name] = ask(draft, facts) if counts and facts is not None else ()
        pending += needs[name]
    return needs


def _needed(draft: Draft, facts: Facts) -> tuple[str, ...]:
    """What the current patchsets need of one another: an older patchset of a git parent is no part of a cycle."""
    old = outdated_parent(draft, facts)
    if old is None or old.change in facts.depends_on:
        return open_needs(draft, facts)
    return tuple(name for name in open_needs(draft, facts) if name != old.change)


def _in_order(draft: Draft, group: frozenset[str], needs: Needs, start: str) -> tuple[str, ...]:
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


def has_other_members(draft: Draft, item: Item) -> bool:
    """Whether the changes of an item are not a whole cycle any more, or part of a larger one.

    Members that have landed do not matter (Zuul: the first thing that its queue processor asks, gate-semantics 1.4).
    """
    line = draft.queue(item.key).line
    ahead = {name for number in line if number < item.id for name in draft.item(number).names}
    found = {name for group in groups(draft, item.names[0], ahead) if item.names[0] in group for name in group}
    return found != {name for name in item.names if name in found or not _landed(draft, name)}


def _landed(draft: Draft, change: str) -> bool:
    facts = draft.facts(change)
    return facts is not None and facts.status == "MERGED"
