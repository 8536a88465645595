"""A change and all that has to come before it: the road's first stop; it asks a Source and merges nothing."""

from __future__ import annotations

from gatelocal.depends import footers, graph
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.ports import Source

LIMIT = 200
"""How many changes one run takes along; more is a mistake in somebody's footers rather than a wish."""


def collect(source: Source, change: Change) -> tuple[Change, ...]:
    """The change with its unmerged git parents and `Depends-On` targets, theirs too, in the order to merge them.

    :raises InputError: an abandoned dependency, two patchsets of one change, or too many changes.
    :raises ConfigurationError: the dependencies form a cycle.
    """
    needs: dict[Change, tuple[Change, ...]] = {}
    waiting = [change]
    while waiting:
        current = waiting.pop()
        if current in needs:
            continue
        needs[current] = _needs(source, current)
        waiting.extend(needs[current])
        if len(needs) > LIMIT:
            raise InputError(f"{change.name} needs more than {LIMIT} other changes", hint="is a Depends-On wrong?")
    _one_patchset_each(needs)
    groups = graph.order(needs, change)
    for group in groups:
        if len(group) > 1:
            raise ConfigurationError(
                "these changes need each other in a circle: " + ", ".join(member.name for member in group),
                hint="remove one of the Depends-On footers; changes that land together are not supported yet",
            )
    return tuple(group[0] for group in groups)


def _needs(source: Source, change: Change) -> tuple[Change, ...]:
    named = [found for reference in footers.depends_on(change.message) for found in source.dependencies(reference)]
    for needed in named:
        if needed.status is ChangeStatus.ABANDONED:
            raise InputError(
                f"{change.name} depends on {needed.name}, which is abandoned",
                hint="restore that change, or take the Depends-On footer out",
            )
    missing = (*source.parents(change), *named)
    return tuple(dict.fromkeys(needed for needed in missing if needed.status is not ChangeStatus.MERGED))


def _one_patchset_each(needs: dict[Change, tuple[Change, ...]]) -> None:
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
