"""Which merge goes onto which base, as data; it knows no commit that is not made yet and starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatelocal.model.change import Change


@dataclass(frozen=True, slots=True)
class Step:
    """One merge.

    :ivar after: the place in the plan of the step whose result is the base; None: the tip of the change's branch.
    :ivar own: whether the change is the item's own and not one that comes before it.
    """

    change: Change
    after: int | None
    own: bool


def plan(changes: Sequence[Change], own: int = 1) -> tuple[Step, ...]:
    """The merges that build the state of a queue item.

    :param changes: everything that comes before the item, then the item's own, in the order to merge them.
    :param own: how many at the end are the item's own; more than one for a cycle.

    The base is the latest speculative commit of that project and branch, or the branch's tip (Zuul's rule).
    """
    latest: dict[tuple[str, str], int] = {}
    steps = []
    for place, change in enumerate(changes):
        key = (change.project, change.branch)
        steps.append(Step(change, latest.get(key), place >= len(changes) - own))
        latest[key] = place
    return tuple(steps)
