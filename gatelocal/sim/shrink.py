"""Shrinks a world in which something was broken to the smallest one that still shows it, as a scenario file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from gatelocal.errors import GateError
from gatelocal.sim.chance import DEEP, Finding, Values, layout, layouts, tried
from gatelocal.sim.lined import ScenarioError
from gatelocal.sim.lots import LAYOUTS

_Place = tuple[str | int, ...]
"""Where something stands in nested values: keys and indexes."""

_KEPT = frozenset({"name", "project", "result", "times", "layout", "scenario", "steps", "changes", "builds", "policy"})
"""Keys that a world cannot do without; ``times`` ends what would be tried again for ever."""

_COUNTED = ("crash", "answers", "failing", "nodes")
"""Steps that have something happen after, or to, a number of others."""

_PASSES = 3
"""What was needed for what has gone meanwhile can go, too; after a few rounds nothing is."""


def shrunk(finding: Finding) -> Finding:
    """Take away steps, rules, changes, jobs, switches and keys as long as the same kind of violation stays."""
    kind = _kind(finding.violations[0])
    best = _without_stretches(finding, kind)
    world = dict(best.world)
    if not any(step.get("reload") in LAYOUTS for step in world["steps"] if isinstance(step.get("reload"), str)):
        world["layout"] = LAYOUTS[world["layout"]]
    best = Finding(world, best.violations)
    for _ in range(_PASSES):
        before = best
        best = _with_lower_numbers(_without_places(best, kind), kind)
        if best is before:
            break
    return best


def _without_stretches(best: Finding, kind: str) -> Finding:
    """Drop whole stretches of steps, long ones first (delta debugging)."""
    size = len(best.world["steps"]) // 2
    while size:
        at = 0
        while at < len(best.world["steps"]):
            steps = best.world["steps"]
            found = _smaller(best, {**best.world, "steps": steps[:at] + steps[at + size :]}, kind)
            best, at = (found, at) if found is not None else (best, at + size)
        size //= 2
    return best


def _without_places(best: Finding, kind: str) -> Finding:
    """Drop single things, each once."""
    at = 0
    while True:
        places = list(_places(best.world))
        if at >= len(places):
            return best
        found = _smaller(best, _dropped(best.world, places[at]), kind)
        best, at = (found, at) if found is not None else (best, at + 1)


def _with_lower_numbers(best: Finding, kind: str) -> Finding:
    """Have the engine die as early as it can, and counts of steps as low as they can be."""
    at = 0
    while at < len(best.world["steps"]):
        for place, number in tuple(_numbers(best.world["steps"][at])):
            for lower in range(1, number):
                world = _changed(best.world, ("steps", at, *place), lower)
                found = _same(world, kind)
                if found is not None and found.world["steps"][: at + 1] == world["steps"][: at + 1]:
                    best = found
                    break
        at += 1
    return best


def _numbers(values: Any, here: _Place = ()) -> Iterator[tuple[_Place, int]]:
    """The counts in a step."""
    if isinstance(values, int) and not isinstance(values, bool) and here[0] in _COUNTED:
        yield here, values
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in pairs:
        yield from _numbers(value, (*here, key))


def _changed(values: Any, place: _Place, value: int) -> Any:
    """The values with another one in that place."""
    if not place:
        return value
    changed = list(values) if isinstance(values, list) else dict(values)
    changed[place[0]] = _changed(values[place[0]], place[1:], value)  # type: ignore[index]
    return changed


def _places(values: Any, here: _Place = ()) -> Iterator[_Place]:
    """Everything that can be taken away, larger things before what is in them."""
    pairs: Sequence[tuple[str | int, Any]] = ()
    if isinstance(values, dict):
        pairs = list(values.items())
    elif isinstance(values, list):
        pairs = list(reversed(list(enumerate(values))))
    for key, _ in pairs:
        if key not in _KEPT:
            yield (*here, key)
    for key, value in pairs:
        if key != "pipeline" and not (key == "times" and here):
            yield from _places(value, (*here, key))


def _dropped(values: Any, place: _Place) -> Any:
    first, rest = place[0], place[1:]
    if isinstance(values, dict):
        if rest:
            return {**values, str(first): _dropped(values[first], rest)}
        return {key: value for key, value in values.items() if key != first}
    at = int(first)
    inner = [_dropped(values[at], rest)] if rest else []
    return [*values[:at], *inner, *values[at + 1 :]]


def _kind(text: str) -> str:
    return re.sub(r"[0-9]+|\b[A-J](\.\d+)?\b|\(.*?\)", "", text)


def _smaller(best: Finding, values: Values, kind: str) -> Finding | None:
    """The finding of a candidate if it is smaller; steps that bring a world to its end may have come back."""
    found = _same(values, kind)
    return found if found is not None and len(repr(found.world)) < len(repr(best.world)) else None


def _same(values: Values, kind: str) -> Finding | None:
    """The finding of a candidate; None when it shows nothing of that kind, or is no world at all."""
    deep = kind.startswith(DEEP)
    try:
        if isinstance(values["layout"], str):
            found = tried(values, _KNOWN, deep=deep)
        else:
            found = tried({**values, "layout": "own"}, {"own": layout(values["layout"])}, deep=deep)
            found = Finding({**found.world, "layout": values["layout"]}, found.violations)
    except (ScenarioError, GateError, KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration):
        return None  # what was taken away is needed to make a world
    return found if found.violations and _kind(found.violations[0]) == kind else None


_KNOWN = layouts()


class _Plain(yaml.SafeDumper):
    """Writes everything out, also what occurs twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never a reference."""
        return True


def as_file(finding: Finding) -> str:
    """The finding as a scenario file that stands alone."""
    world = finding.world
    objects = world["layout"] if isinstance(world["layout"], list) else LAYOUTS[world["layout"]]
    steps = [_self_contained(step) for step in world["steps"]]
    about = "; ".join(finding.violations)
    values = {"scenario": world["scenario"], "about": about, "layout": objects}
    values |= {key: world[key] for key in ("policy", "changes", "builds")} | {"steps": steps}
    return yaml.dump(values, Dumper=_Plain, sort_keys=False, width=118, default_flow_style=None)


def _self_contained(step: Values) -> Values:
    name = step.get("reload")
    return {"reload": LAYOUTS[name]} if isinstance(name, str) and name in LAYOUTS else step
