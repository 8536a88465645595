"""What is put into the gate: a change with all that it needs, as the gate's own facts; nothing is merged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gatelocal.engine.collect import Gathered, gather
from gatelocal.errors import InputError
from gatelocal.model.change import Change
from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Layout, Manager, Pipeline, Project, QueueSpec, WindowRule
from gatelocal.model.recipe import Recipe
from gatelocal.ports import Source

_QUEUE = QueueSpec("all", cycles=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the gate.

    :ivar change: whose verdict is wanted. :ivar facts: the same, or its branch when it has landed.
    :ivar related: what it needs. :ivar changes: the name in the facts → the change.
    :ivar notes: what was passed over, each one sentence.
    """

    change: Change
    facts: Facts
    related: tuple[Facts, ...] = ()
    changes: Mapping[str, Change] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def asked(source: Source, change: Change, name: str, ahead: Sequence[Change] = ()) -> Asked:
    """A change that is to be tested.

    :param name: what somebody called it.
    :param ahead: changes that are queued in front of it, the first to land first; what they need comes before them.
    :raises InputError: one of these needs the change. Others as for :func:`gatelocal.engine.collect.gather`.
    """
    if change.landed:
        note = f"{name} is on {change.branch} already: what was run is its tip"
        return Asked(change, of_branch(change), notes=(note,))
    found = gather(source, [*ahead, change])
    front = _closure(found, ahead)
    if change in front:
        culprit = next(one for one in ahead if change in _closure(found, [one]))
        raise InputError(
            f"{culprit.name} cannot come before {change.name}, which it needs", hint="leave it out of --ahead"
        )
    names = _names(found.needs)
    before = _before(found, ahead)
    known = {one: _facts(one, found, names, before.get(one, ahead)) for one in found.needs}
    own = known.pop(change)
    return Asked(change, own, tuple(known.values()), {name: one for one, name in names.items()}, found.notes)


def of_branch(change: Change) -> Facts:
    """The branch of a change that has landed."""
    return Facts(f"{change.project} {change.branch}", 1, change.project, change.branch, status="BRANCH")


def again(recipe: Recipe) -> Asked:
    """What a recipe was made for: its own changes in one item, behind all others, which are in their order."""
    steps = recipe.steps
    if not steps:
        return Asked(recipe.change, of_branch(recipe.change))
    names = _names([one.change for one in steps])
    own = [one.change for one in steps if one.own]
    others = tuple(one.change for one in steps if not one.own)
    needs: dict[Change, tuple[Change, ...]] = dict.fromkeys(others, ())
    for at, one in enumerate(own):
        needs[one] = (*others, *([own[at - 1]] if len(own) > 1 else ()))
    known = {one: _facts(one, Gathered(needs, {}), names, ()) for one in needs}
    change = recipe.change if recipe.change in known else own[-1]
    facts = known.pop(change)
    return Asked(change, facts, tuple(known.values()), {name: one for one, name in names.items()})


def layout(asked: Asked, pipeline: str, semaphores: Mapping[str, int] | None = None) -> Layout:
    """What the gate runs with: one pipeline that lands nothing and tells nobody, with one line for the change."""
    projects = {one.project: Project(one.project, frozenset((pipeline,)), _QUEUE.name) for one in _all(asked)}
    line = Pipeline(pipeline, Manager.INDEPENDENT, window=WindowRule(size=0))
    return Layout({pipeline: line}, projects, {_QUEUE.name: _QUEUE}, semaphores or {})


def _all(asked: Asked) -> tuple[Facts, ...]:
    return (asked.facts, *asked.related)


def _names(changes: Sequence[Change] | Mapping[Change, object]) -> dict[Change, str]:
    """A name for each, by which people know it; the branch behind it where a name would be another one's."""
    found: dict[Change, str] = {}
    taken: set[str] = set()
    for one in changes:
        name = one.name if one.name not in taken else f"{one.name} {one.branch} {one.commit}"
        found[one] = name
        taken.add(name)
    return found


def _closure(found: Gathered, wanted: Sequence[Change]) -> frozenset[Change]:
    """The changes with all that they need."""
    seen: set[Change] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += found.needs[one]
    return frozenset(seen)


def _before(found: Gathered, ahead: Sequence[Change]) -> dict[Change, Sequence[Change]]:
    """What is queued before each of the changes that are queued in front, and before what these bring along."""
    before: dict[Change, Sequence[Change]] = {}
    for at, one in enumerate(ahead):
        for each in _closure(found, [one]):
            before.setdefault(each, ahead[:at])
    return before


def _facts(one: Change, found: Gathered, names: Mapping[Change, str], ahead: Sequence[Change]) -> Facts:
    """What the gate knows of a change; the nearest ancestor is its git parent, which brings along the others."""
    above = [each for each in found.parents.get(one, ()) if each in found.needs]
    parent = above[-1] if above else None
    brought = _closure(found, [parent]) if parent is not None else frozenset()
    others = [each for each in found.needs[one] if each not in brought or each not in above]
    needs = dict.fromkeys(names[each] for each in (*ahead, *others))
    facts = Facts(names[one], 1, one.project, one.branch, depends_on=tuple(needs))
    return facts if parent is None else replace(facts, parent=Ref(names[parent], 1))
