"""What must always hold of what an item is tested on, written apart from the rules that keep it; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gatelocal.model.facts import Ref
from gatelocal.model.layout import Manager
from gatelocal.pipeline.state import Item, Queue, Stage, State


def stands(before: State, state: State, item: Item, queue: Queue) -> Iterator[str]:
    """All that must hold of what an item is tested on, after an event that has touched it."""
    old = before.items.get(item.id)
    if not queue.reporting:  # nobody is looked at meanwhile
        yield from _ground(state, item, queue)
    if old is None or old.content is not item.content:
        yield from _content(state, item)
    if old is not None and old.ahead and not item.ahead and not has_neighbours(state):
        yield from _passed_on(before, state, old, item)


def named(item: Item) -> str:
    """How an item is called where something is wrong with it."""
    return f"item {item.id} ({', '.join(map(str, item.changes))})"


def has_neighbours(state: State) -> bool:
    """Whether there may be queues beside a queue, out of which others land than those ahead."""
    return state.policy.urgent or state.policy.overtake


def _ground(state: State, item: Item, queue: Queue) -> Iterator[str]:
    """What it is tested on is the nearest item ahead that does not fail, in its present generation, and no other."""
    pipeline = state.layout.pipelines[item.pipeline]
    if pipeline.manager is not Manager.DEPENDENT or item.stage in (Stage.WAITING, Stage.PARKED):
        return
    ahead = state.items.get(item.ahead) if item.ahead else None
    if item.ahead and ahead is None:
        yield f"{named(item)} is tested on item {item.ahead}, which has gone"
        return
    if ahead is not None and ahead.generation != item.ahead_generation:
        tested = f"generation {item.ahead_generation} of item {ahead.id}"
        yield f"{named(item)} is tested on {tested}, now in {ahead.generation}"
    if ahead is not None and not ahead.content:
        yield f"{named(item)} is tested on item {ahead.id}, which is not prepared"
    if not item.settled and (nearest := _nearest(state, queue, item)) != item.ahead:
        yield f"{named(item)} is tested on item {item.ahead} and not on {nearest}"


def _passed_on(before: State, state: State, old: Item, item: Item) -> Iterator[str]:
    """Who has nothing ahead any more, and does not begin anew for that, was tested on what has landed, and itself.

    It was prepared on the item ahead, or on the bare branches (:func:`_content`), and nobody has landed before that had
    something else ahead. So it is enough to compare it with the item ahead, which has just landed.
    """
    if item.generation != old.generation:
        return
    ahead = before.items.get(old.ahead)
    if ahead is None or not all(has_landed(state, change) for change in ahead.names):
        yield f"{named(item)} goes on without item {old.ahead}, which has not landed"
        return
    rest = item.content[: len(item.content) - len(item.changes)]
    known = () if _left_out(ahead.content, rest) is not None else set(rest) - set(ahead.content)
    for ref in sorted(known):
        if not has_landed(state, ref.change):
            yield f"{named(item)} goes on and was tested on {ref}, which has not landed"


def _content(state: State, item: Item) -> Iterator[str]:
    """What it was prepared with is what the item ahead contains, and itself last."""
    if item.stage is not Stage.PREPARING or state.layout.pipelines[item.pipeline].manager is not Manager.DEPENDENT:
        return
    ahead = state.items.get(item.ahead) if item.ahead else None
    own = item.changes
    if item.content[len(item.content) - len(own) :] != own:
        yield f"{named(item)} does not contain itself last"
    yield from _built_on(state, item)
    known, rest = ahead.content if ahead is not None else (), item.content[: len(item.content) - len(own)]
    gone = _left_out(known, rest)
    if gone is None and has_neighbours(state):
        gone = _left_out(known, tuple(ref for ref in rest if ref in known or not _overtakes(state, item, ref)))
    if gone is None or not all(has_landed(state, ref.change) for ref in gone):
        yield f"{named(item)} contains something else than what is ahead of it, and itself"


def _overtakes(state: State, item: Item, ref: Ref) -> bool:
    """Whether that is on its way onto its branch from beside the item's queue: it has overtaken others."""
    others = (one for one in state.items.values() if one.stage is Stage.LANDING and one.pipeline == item.pipeline)
    return any(ref in other.changes for other in others)


def _built_on(state: State, item: Item) -> Iterator[str]:
    """Who is built on it already, because it begins anew on the same ground, contains just what it does."""
    line = state.queues[item.key].line
    number = line.after(item.id)
    while number is not None:
        other = state.items[number]
        if (other.ahead, other.ahead_generation) == (item.id, item.generation) and other.stage is not Stage.WAITING:
            rest = other.content[: len(other.content) - len(other.changes)]
            if rest != item.content and _left_of(state, item, rest) != _still_open(state, item.content):
                yield f"item {number} is tested on {named(item)} and on other changes than that contains"
        if not other.failing:
            return
        number = line.after(number)


_ON_THE_WAY = (Stage.LOOKING, Stage.LANDING)


def _left_of(state: State, item: Item, rest: tuple[Ref, ...]) -> list[Ref]:
    """What has not landed of that, and is not on its way past the item, which then need not contain it."""
    left = _still_open(state, rest)
    if not has_neighbours(state):
        return left
    aside = (one for one in state.items.values() if one.stage in _ON_THE_WAY and one.pipeline == item.pipeline)
    past = {ref for one in aside if state.queues[one.key].dynamic for ref in one.changes}
    return [ref for ref in left if ref in item.content or ref not in past]


def _still_open(state: State, refs: tuple[Ref, ...]) -> list[Ref]:
    return [ref for ref in refs if not has_landed(state, ref.change)]


def _left_out(all_of: tuple[Ref, ...], rest: tuple[Ref, ...]) -> tuple[Ref, ...] | None:
    """What is missing in the rest, which has the order of the whole; None when it is no part of it."""
    first = len(all_of) - len(rest)
    if first >= 0 and all_of[first:] == rest:
        return all_of[:first]
    kept = set(rest)
    return tuple(ref for ref in all_of if ref not in kept) if tuple(r for r in all_of if r in kept) == rest else None


def _nearest(state: State, queue: Queue, item: Item) -> int:
    number = queue.line.before(item.id)
    while number is not None:
        if not state.items[number].failing:
            return number
        number = queue.line.before(number)
    return 0


def has_landed(state: State, change: str) -> bool:
    """Whether a change is known to be on its branch."""
    facts = state.changes.get(change)
    return facts is not None and facts.status == "MERGED"
