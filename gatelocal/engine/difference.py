"""What differs between two recipes, in words; it looks at nothing but the two."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeVar

from gatelocal.model.merged import MergedChange
from gatelocal.model.recipe import Recipe, RecipeJob, RecipeRepository

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_OF_ONE_RUN = frozenset(("outcome", "seconds"))
"""Facts that tell how a run ended and not what it was made from."""
_REFS_SHOWN = 5


def differences(one: Recipe, other: Recipe) -> tuple[str, ...]:
    """One sentence for each difference, the first recipe's side first; none when both make the same."""
    found = [*_head(one, other), *_merges(one, other)]
    for project, left, right in _pairs(_by_project(one), _by_project(other)):
        found += _repository(project, left, right)
    for name, old, new in _pairs({job.name: job for job in one.jobs}, {job.name: job for job in other.jobs}):
        found += _job(name, old, new)
    return tuple(found)


def _head(one: Recipe, other: Recipe) -> Iterator[str]:
    if (one.change.project, one.change.commit) != (other.change.project, other.change.commit):
        yield f"change: {one.change.name} against {other.change.name}"
    for what, left, right in (("pipeline", one.pipeline, other.pipeline), ("host", one.host, other.host)):
        if left != right:
            yield f"{what}: {left or 'none'} against {right or 'none'}"


def _merges(one: Recipe, other: Recipe) -> Iterator[str]:
    lefts, rights = ({_key(step): step for step in recipe.steps} for recipe in (one, other))
    for (project, number), left, right in _pairs(lefts, rights):
        if left is None or right is None:
            yield f"merges: only the {'first' if right is None else 'second'} has {project} {number}"
            continue
        if left.change.commit != right.change.commit:
            patchsets = f"patchset {left.change.patchset} against {right.change.patchset}"
            what = patchsets if left.change.patchset != right.change.patchset else "commit"
            yield f"merges: {project} {number}: {what} ({_short(left.change.commit)}, {_short(right.change.commit)})"
        for what, old, new in (
            ("merge mode", left.mode.value, right.mode.value),
            ("target branch", left.change.branch, right.change.branch),
        ):
            if old != new:
                yield f"merges: {left.change.name}: {what} {old} against {new}"
    if [key for key in lefts if key in rights] != [key for key in rights if key in lefts]:
        yield "merges: the same changes in another order"


def _key(step: MergedChange) -> tuple[str, str]:
    return step.change.project, str(step.change.number or step.change.change_id or step.change.commit[:10])


def _by_project(recipe: Recipe) -> dict[str, RecipeRepository]:
    return {one.project: one for one in recipe.repositories}


def _repository(project: str, left: RecipeRepository | None, right: RecipeRepository | None) -> Iterator[str]:
    if left is None or right is None:
        yield f"{project}: only the {'first' if right is None else 'second'} has it"
        return
    if left.url != right.url:
        yield f"{project}: fetched from {left.url} against {right.url}"
    merged = [{one.branch: one for one in side.merged} for side in (left, right)]
    for branch, old, new in _pairs(*merged):
        if old is None or new is None:
            yield f"{project} {branch}: only the {'first' if new is None else 'second'} merges changes into it"
            continue
        if old.base != new.base:
            yield f"{project} {branch}: base {_short(old.base)} against {_short(new.base)}"
        if old.tree != new.tree:
            yield f"{project} {branch}: the merged trees differ ({_short(old.commit)}, {_short(new.commit)})"
        elif old.commit != new.commit:
            yield f"{project} {branch}: the same tree in other commits ({_short(old.commit)}, {_short(new.commit)})"
    yield from _refs(
        f"{project}: branch", left.state.branches, right.state.branches, merged[0].keys() & merged[1].keys()
    )
    yield from _refs(f"{project}: tag", left.state.tags, right.state.tags, ())


def _refs(what: str, left: Mapping[str, str], right: Mapping[str, str], told: Collection[str]) -> Iterator[str]:
    sentences = []
    for name, old, new in _pairs(left, right):
        if old == new or name in told:
            continue
        if old is None or new is None:
            sentences.append(f"{what} {name}: only the {'first' if new is None else 'second'} has it")
        else:
            sentences.append(f"{what} {name}: {_short(old)} against {_short(new)}")
    yield from sentences[:_REFS_SHOWN]
    if len(sentences) > _REFS_SHOWN:
        yield f"{what}: {len(sentences) - _REFS_SHOWN} more differ"


def _job(name: str, left: RecipeJob | None, right: RecipeJob | None) -> Iterator[str]:
    if left is None or right is None:
        yield f"job {name}: only the {'first' if right is None else 'second'} runs it"
        return
    for project, old, new in _pairs(left.checkouts, right.checkouts):
        if old != new:
            yield f"job {name}: {project} checked out at {old or 'nothing'} against {new or 'nothing'}"
    yield from _values(f"job {name}", left.definition, right.definition)
    old_facts, new_facts = (
        {key: value for key, value in job.facts.items() if key not in _OF_ONE_RUN} for job in (left, right)
    )
    yield from _values(f"job {name}", old_facts, new_facts)


def _values(where: str, left: object, right: object) -> Iterator[str]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key, old, new in _pairs(left, right):
            yield from _values(f"{where}: {key}", old, new)
    elif left != right:
        yield f"{where}: {_told(left)} against {_told(right)}"


def _pairs(left: Mapping[K, V], right: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    for key in dict.fromkeys((*left, *right)):
        yield key, left.get(key), right.get(key)


def _told(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _short(sha: str) -> str:
    return sha[:10]
