"""A change and all that has to come before it: the road's first stop; it asks a Source and merges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gatelocal.depends import footers, graph
from gatelocal.errors import InputError, NotOfThisGate
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.text import plain
from gatelocal.ports import Source

LIMIT = 200
"""How many changes one run takes along; more is a mistake in somebody's footers rather than a wish."""

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Collected:
    """What is merged, in that order.

    :ivar changes: everything that comes before the item, then the item's own changes.
    :ivar own: how many at the end are the item's own: one, or all of a cycle.
    :ivar notes: the footers that were passed over, and why, each one sentence.
    """

    changes: tuple[Change, ...]
    own: int
    notes: tuple[str, ...] = ()

    @property
    def ahead(self) -> tuple[Change, ...]:
        """What comes before the item."""
        return self.changes[: len(self.changes) - self.own]

    @property
    def item(self) -> tuple[Change, ...]:
        """The item's own changes."""
        return self.changes[len(self.changes) - self.own :]


def collect(source: Source, change: Change) -> tuple[Change, ...]:
    """All that :func:`collect_item` finds, in the order to merge it. Errors as there."""
    return collect_item(source, [change]).changes


def collect_item(source: Source, wanted: Sequence[Change]) -> Collected:
    """The changes with their unmerged git parents and `Depends-On` targets, theirs too, in the order to merge them.

    Changes that need each other in a circle stand together, git parents first; the last of `wanted`, with those that
    it needs in a circle, is the item's own. Errors as for :func:`gather`.
    """
    found = gather(source, wanted)
    return replace(_in_order(found.needs, found.parents, wanted), notes=found.notes)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Changes and what they need, in no order.

    :ivar needs: change → what it needs directly and what is not merged. :ivar parents: change → its unmerged git
        ancestors, oldest first. :ivar notes: the footers that were passed over, and why, each one sentence.
    """

    needs: Mapping[Change, tuple[Change, ...]]
    parents: Mapping[Change, tuple[Change, ...]]
    notes: tuple[str, ...] = ()


def gather(source: Source, wanted: Sequence[Change]) -> Gathered:
    """The changes with all that they need.

    A `Depends-On` that leads to no server or change of the gate is noted and passed over, as in Zuul.

    :raises InputError: an abandoned dependency, two patchsets of one change, or too many changes.
    """
    needs: dict[Change, tuple[Change, ...]] = {}
    parents: dict[Change, tuple[Change, ...]] = {}
    notes: dict[str, None] = {}
    waiting = list(reversed(wanted))
    while waiting:
        current = waiting.pop()
        if current in needs:
            continue
        parents[current] = source.parents(current)
        needs[current] = _needs(source, current, parents[current], notes)
        waiting.extend(needs[current])
        if len(needs) > LIMIT:
            raise InputError(f"{wanted[-1].name} needs more than {LIMIT} other changes", hint="is a Depends-On wrong?")
    _one_patchset_each(needs)
    return Gathered(needs, parents, tuple(notes))


def _in_order(
    needs: Mapping[Change, Sequence[Change]], parents: Mapping[Change, Sequence[Change]], wanted: Sequence[Change]
) -> Collected:
    found: dict[Change, None] = {}
    own = 0
    for change in wanted:
        for group in graph.order(needs, change, parents):
            found |= dict.fromkeys(group)
            own = len(group)
    last = wanted[-1] if wanted else None
    if last is not None and last not in list(found)[-own:]:  # an earlier wish stands on the last one
        own = 1
    return Collected(tuple(found), own)


def _needs(source: Source, change: Change, parents: tuple[Change, ...], notes: dict[str, None]) -> tuple[Change, ...]:
    named: list[Change] = []
    for reference in footers.depends_on(change.message):
        try:
            named += source.dependencies(reference)
        except NotOfThisGate as error:
            shown = plain(reference)[:_SHOWN]
            notes[f"Depends-On: {shown} of {change.name} is passed over, as Zuul does: {error.brief}"] = None
    for needed in named:
        if needed.status is ChangeStatus.ABANDONED:
            raise InputError(
                f"{change.name} depends on {needed.name}, which is abandoned",
                hint="restore that change, or take the Depends-On footer out",
            )
    missing = (*parents, *named)
    return tuple(dict.fromkeys(needed for needed in missing if needed.status is not ChangeStatus.MERGED))


def _one_patchset_each(needs: Mapping[Change, Sequence[Change]]) -> None:
    seen: dict[tuple[str, int], Change] = {}
    for change in needs:
        if change.number is None:
            continue
        other = seen.setdefault((change.project, change.number), change)
        if other.patchset != change.patchset:
            raise InputError(
                f"two patchsets of one change are needed at once: {other.name} and {change.name}",
                hint="rebase what builds on the older one",
            )
