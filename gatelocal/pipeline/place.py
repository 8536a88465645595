"""A new item at the end of a queue; it asks nobody whether that may be."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.facts import Ref
from gatelocal.model.record import dataclass, field, replace
from gatelocal.pipeline import texts
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.leave import leave, say
from gatelocal.pipeline.state import Item, QueueKey, Reason


@dataclass(frozen=True, slots=True)
class Manner:
    """How changes are brought into a pipeline.

    :ivar cause: the change that it is done for. :ivar forced: an operator wants it: the pipeline's requirements do
        not count, dependencies and readiness do (gate-semantics 1.11).
    :ivar former: change → the item that held it a moment ago, whose time of entry is kept and whose start is not
        told again (Zuul: quiet).
    """

    cause: str
    forced: bool = False
    former: Mapping[str, Item] = field(default_factory=dict)


def put_in(
    draft: Draft,
    key: QueueKey,
    refs: tuple[Ref, ...],
    manner: Manner,
    *,
    needs: tuple[str, ...] = (),
    live: bool = True,
) -> None:
    """Add an item; who enters this pipeline leaves those that it supercedes."""
    item = Item(draft.number(), key[0], key[1], refs, live, draft.now, needs, cause=manner.cause)
    former = manner.former.get(refs[-1].change)
    if former is not None:
        item = replace(
            item, entered=former.entered, started=True, told=former.told, kept=former.kept, cause=former.cause
        )
    draft.add(item)
    draft.flag(item.id, Flag.STAY | Flag.BASE if former is not None else Flag.BASE)
    if live:
        for ref in refs:
            draft.put_last(ref.change, None)
        say(draft, item, "enqueue", texts.entered(key[0]))
        _supersede(draft, item)


def _supersede(draft: Draft, item: Item) -> None:
    """Whoever enters this pipeline leaves those that it supercedes (Zuul: ``supercedes``)."""
    for name in draft.pipeline(item).supercedes:
        for ref in item.changes:
            other = draft.holding(name, ref.change)
            if other is not None and ref in other.changes:
                leave(draft, other, Reason("superseded", (item.pipeline,)))
