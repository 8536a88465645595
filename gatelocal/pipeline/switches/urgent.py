"""The switch ``urgent``: an urgent change is tested alone on the trunk, beside the queue, and lands when it is green.

What it needs and what needs it goes along, so far as none of it stands in the queue already. While it is tested,
nothing lands that would spoil its result. When it has landed, those whose inputs it touches are tested again, once.

It costs those the builds that they have had, and the queue the time of its test where it touches what is about to land.
It guarantees that an urgent change waits for nobody's tests but its own, and lands only what was tested like the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.facts import Facts
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.place import Manner, put_in
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.state import Item, QueueKey, Stage
from gatelocal.pipeline.switches.beside import affects, family, opened
from gatelocal.pipeline.switches.members import apart


def place(
    draft: Draft, key: QueueKey, names: Sequence[str], needs: Sequence[str], root: str, of_root: Sequence[str]
) -> QueueKey:
    """The queue for changes that enter together: beside the one they belong to if they are urgent.

    :param needs: what they need. :param root: the change whose attempt to enter brings them in. :param of_root: what
        that one needs: it will have to stand where they stand.
    """
    holders = _holders(draft, key, needs) or _holders(draft, key, of_root)
    if any(item.key == key for item in holders):
        return key
    if holders:
        return holders[-1].key
    wanted = (*names, root)
    if any(facts is not None and facts.urgent for facts in map(draft.facts, wanted)):
        return opened(draft, key)
    return key


def split(draft: Draft, key: QueueKey, needs: Sequence[str]) -> bool:
    """Whether what is needed stands in several queues: then it has to land before."""
    return len({item.key for item in _holders(draft, key, needs)}) > 1


def _holders(draft: Draft, key: QueueKey, needs: Sequence[str]) -> list[Item]:
    found = (draft.holding(key[0], name) for name in needs)
    return [item for item in found if item is not None]


def has_become(before: Facts | None, facts: Facts) -> bool:
    """Whether a change is urgent that was not before."""
    return facts.urgent and before is not None and not before.urgent


def waits_for(draft: Draft, item: Item) -> Item | None:
    """The urgent item whose result the landing of this one would spoil."""
    queue = draft.queue(item.key)
    if queue.dynamic:
        return None
    for other in family(draft, item.key)[1:]:
        for number in other.line:
            found = draft.item(number)
            if not found.failing and _is_urgent(draft, found) and affects(draft, item, found):
                return found
    return None


def _is_urgent(draft: Draft, item: Item) -> bool:
    facts = [draft.facts(name) for name in item.names]
    return any(one is not None and one.urgent for one in facts)


def move_beside(draft: Draft, item: Item) -> None:
    """A queued change has become urgent: it goes on beside the queue, if nothing there needs it or is needed by it."""
    queue = draft.queue(item.key)
    tied = any(draft.needing(name) for name in item.names) or bool(_holders(draft, item.key, item.needs))
    if queue.dynamic or tied or item.settled or item.stage is Stage.LOOKING:
        return
    follower = queue.line.after(item.id)
    apart(draft, item)
    draft.remove(stop(draft, draft.item(item.id)))
    if follower is not None:
        draft.flag(follower, Flag.BASE)
    draft.agenda.setdefault(item.key, {})
    former = dict.fromkeys(item.names, item)
    put_in(
        draft, opened(draft, item.key), item.changes, Manner(item.cause, forced=True, former=former), needs=item.needs
    )
