"""Which commits two commits have both come from: the best common ancestors in a part of history; it starts nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

# Whose ancestor a commit is; OLD: of a common ancestor that is better.
_OURS, _THEIRS, _OLD = 1, 2, 4
_BOTH = _OURS | _THEIRS


@dataclass(slots=True)
class Ancestry:
    """Commits in the order in which a child comes before its parents.

    :ivar tip: the commit at which the part of history that is known ends; None when all of it is known.
    :ivar below: commits of the tip's own history that others were made from.
    """

    tip: str | None
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    below: set[str] = field(default_factory=set)
    _places: dict[str, int] = field(default_factory=dict)

    def note(self, made: str, parents: tuple[str, ...]) -> None:
        """A commit that has been made since; one that is made of what is not known is not known either."""
        if made not in self._places and all(parent in self._places for parent in parents):
            self.parents[made] = parents
            self._places[made] = -len(self._places)

    def bases(self, ours: str, theirs: str) -> tuple[str, ...] | None:
        """All best common ancestors, as ``git merge-base --all`` finds them, in no special order.

        None when the history that is not known decides.
        """
        if ours not in self._places or theirs not in self._places:
            return None
        seen, found = self._painted(ours, theirs)
        return found if self.tip is None else self._with_below(self.tip, seen, found)

    def _painted(self, ours: str, theirs: str) -> tuple[dict[str, int], tuple[str, ...]]:
        """Who is whose ancestor, and the best of the common ones above the part that is not known."""
        seen = {ours: _OURS}
        seen[theirs] = seen.get(theirs, 0) | _THEIRS
        waiting = [(self._places[one], one) for one in seen]
        heapq.heapify(waiting)
        better = len(waiting)  # of those that wait, so many are not OLD
        found = []
        while waiting and (better or self.below):
            _, commit = heapq.heappop(waiting)
            mine = seen[commit]
            better -= not mine & _OLD
            if commit in self.below:
                continue
            if mine == _BOTH:
                found.append(commit)
                mine |= _OLD
            for parent in self.parents[commit]:
                before = seen.get(parent, 0)
                seen[parent] = before | mine
                if not before:
                    heapq.heappush(waiting, (self._places[parent], parent))
                    better += not mine & _OLD
                elif mine & _OLD and not before & _OLD:
                    better -= 1
        return seen, tuple(found)

    def _with_below(self, tip: str, seen: dict[str, int], found: tuple[str, ...]) -> tuple[str, ...] | None:
        """What the tip's own history adds: all of `below` are its ancestors, and of one another perhaps, too."""
        reached = {one: seen[one] for one in self.below if one in seen}
        if not reached:
            return found
        of_tip = reached.pop(tip, 0)
        if not of_tip:
            return None
        if of_tip & _BOTH == _BOTH:
            return found if of_tip & _OLD else (*found, tip)
        common = [one for one, mine in reached.items() if (mine | of_tip) == _BOTH]
        if not common:
            return found
        return (common[0],) if len(common) == 1 and not found else None


def ancestry(tip: str | None, walked: Iterable[str]) -> Ancestry:
    """Out of the lines of ``git rev-list --topo-order --parents --boundary COMMITS --not TIP``.

    :param tip: None: of the same without boundary and tip.
    """
    found = Ancestry(tip)
    for line in walked:
        commit, *above = line.split(" ")
        if commit.startswith("-"):
            found.below.add(commit[1:])
        else:
            found.parents[commit] = tuple(above)
    if tip is not None:
        found.below.add(tip)
    for place, commit in enumerate((*found.parents, *found.below), 1):
        found._places[commit] = place
    return found
