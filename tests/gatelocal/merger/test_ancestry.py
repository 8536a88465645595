"""Best common ancestors, against their definition, in random histories that are known as a whole or in part."""

from __future__ import annotations

import random

import pytest

from gatelocal.merger.ancestry import Ancestry, ancestry

Parents = dict[str, tuple[str, ...]]


def history(chance: random.Random, size: int) -> Parents:
    """Commits in the order in which a child comes before its parents."""
    names = [f"c{number}" for number in range(size)]
    return {
        name: tuple(chance.sample(names[place + 1 : place + 6], min(chance.choice((1, 1, 2, 3)), size - place - 1, 5)))
        for place, name in enumerate(names)
    }


def ancestors(parents: Parents, commit: str) -> set[str]:
    found = {commit}
    for parent in parents[commit]:
        found |= ancestors(parents, parent)
    return found


def best(parents: Parents, ours: str, theirs: str) -> set[str]:
    common = ancestors(parents, ours) & ancestors(parents, theirs)
    return {one for one in common if not any(one in ancestors(parents, other) for other in common - {one})}


def in_part(parents: Parents, tip: str, commits: list[str]) -> Ancestry:
    """What ``git rev-list --topo-order --parents --boundary COMMITS --not TIP`` tells."""
    below = ancestors(parents, tip)
    walked = {one for commit in commits for one in ancestors(parents, commit)} - below
    edge = {parent for one in walked for parent in parents[one]} & below
    lines = [" ".join((one, *parents[one])) for one in parents if one in walked]
    return ancestry(tip, [*lines, *(" ".join((f"-{one}", *parents[one])) for one in parents if one in edge)])


@pytest.mark.parametrize("seed", range(40))
def test_all_of_history(seed: int) -> None:
    parents = history(random.Random(seed), 14)  # noqa: S311 - no secret
    known = ancestry(None, [" ".join((one, *above)) for one, above in parents.items()])
    for ours in parents:
        for theirs in parents:
            found = known.bases(ours, theirs)
            assert found is not None and len(found) == len(set(found))
            assert set(found) == best(parents, ours, theirs), (ours, theirs)


def test_a_line_of_merges_onto_a_tip_whose_history_is_not_known() -> None:
    assert sum(_line(random.Random(seed)) for seed in range(60)) > 100  # noqa: S311 - no secret


def _line(chance: random.Random) -> int:
    """How many of the merge bases of one line were known without a look at the tip's history."""
    parents = history(chance, 16)
    tip, commits = f"c{chance.randrange(3, 9)}", chance.sample([f"c{number}" for number in range(12)], 4)
    known = in_part(parents, tip, commits)
    state, told = tip, 0
    for number, commit in enumerate(commits):
        found, wanted = known.bases(state, commit), best(parents, state, commit)
        if found is not None:
            told += 1
            assert set(found) == wanted
        if wanted != {commit}:  # it has not landed yet
            made = f"m{number}"
            parents = {made: (state, commit), **parents}
            known.note(made, (state, commit))
            state = made
    return told


def test_what_is_not_known_is_not_guessed() -> None:
    known = ancestry("tip", ["change left right", "-left older", "-right left"])
    assert known.bases("tip", "change") is None, "left may stand below right"
    assert known.bases("tip", "elsewhere") is None
    assert ancestry("tip", ["change left", "-left older"]).bases("tip", "change") == ("left",)
    assert ancestry("tip", ["stranger"]).bases("tip", "stranger") == ()
