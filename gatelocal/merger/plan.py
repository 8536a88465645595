"""Which merge goes onto which base, and where a change leaves the line that it is merged into; it starts nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Lineage:
    """One branch while changes are merged into it.

    :ivar parents: every commit of the changes that the branch's tip does not have → its parents.
    :ivar below: commits of the tip's history that those stand on, and the tip itself.
    :ivar holds: a commit that was made by merging → the changes' commits in it.
    """

    parents: Mapping[str, tuple[str, ...]]
    below: frozenset[str]
    holds: dict[str, frozenset[str]] = field(default_factory=dict)

    def base(self, ours: str, theirs: str) -> str | None:
        """The only merge base of a state of the branch and a change; None when that takes a look at history."""
        if ours not in self.holds:
            return None
        held, commit = self.holds[ours], theirs
        while commit not in held and commit not in self.below:
            parents = self.parents.get(commit, ())
            if len(parents) != 1:
                return None
            commit = parents[0]
        return commit

    def note(self, made: str, ours: str, theirs: str) -> None:
        """Remember that `made` holds both."""
        if ours in self.holds:
            self.holds[made] = self.holds[ours] | self._chain(theirs)

    def _chain(self, commit: str) -> frozenset[str]:
        found: set[str] = set()
        waiting = [commit]
        while waiting:
            one = waiting.pop()
            if one in self.parents and one not in found:
                found.add(one)
                waiting.extend(self.parents[one])
        return frozenset(found)


def lineage(tip: str, walked: Iterable[str]) -> Lineage:
    """Out of the lines of ``git rev-list --parents --boundary CHANGES --not TIP``."""
    parents: dict[str, tuple[str, ...]] = {}
    below = {tip}
    for line in walked:
        commit, *above = line.split(" ")
        if commit.startswith("-"):
            below.add(commit[1:])
        else:
            parents[commit] = tuple(above)
    return Lineage(parents, frozenset(below), {tip: frozenset()})
