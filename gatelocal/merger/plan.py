"""Which merge goes onto which base; it starts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatelocal.model.change import Change
from gatelocal.model.merged import DEFAULT_MODE, MergeMode
from gatelocal.model.text import plain


@dataclass(frozen=True, slots=True)
class Step:
    """One merge.

    :ivar after: the place in the plan of the step whose result is the base; None: the tip of the change's branch.
    :ivar own: whether the change is the item's own and not one that comes before it.
    :ivar message: of the commit that is made, where one has to be made that has no message yet.
    """

    change: Change
    after: int | None
    own: bool
    mode: MergeMode = DEFAULT_MODE
    message: str = ""


def plan(changes: Sequence[Change], own: int = 1, modes: Mapping[str, MergeMode] | None = None) -> tuple[Step, ...]:
    """The merges that build the state of a queue item.

    :param changes: everything that comes before the item, then the item's own, in the order to merge them.
    :param own: how many at the end are the item's own; more than one for a cycle.
    :param modes: project → how its changes are merged; :data:`DEFAULT_MODE` where there is none.

    The base is the latest speculative commit of that project and branch, or the branch's tip (Zuul's rule).
    """
    latest: dict[tuple[str, str], int] = {}
    steps = []
    for place, change in enumerate(changes):
        key = (change.project, change.branch)
        mode = (modes or {}).get(change.project, DEFAULT_MODE)
        message = f"Merge {plain(change.name)} into {plain(change.branch)}"
        steps.append(Step(change, latest.get(key), place >= len(changes) - own, mode, message))
        latest[key] = place
    return tuple(steps)
