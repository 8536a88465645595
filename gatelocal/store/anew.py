"""A beginning after a state that cannot be read: no id is given twice, what is under way is called off, nothing else.

What was queued is not known here; a gate that starts reads the server and takes in again what is approved there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatelocal.model.record import replace
from gatelocal.pipeline.actions import Action, CancelBuild, DropRequest
from gatelocal.pipeline.state import State
from gatelocal.store.codec import Json

_GOING = ("running", "paused", "resumed")


def anew(first: State, counter: int, state: Json, outbox: Iterable[Json]) -> tuple[State, tuple[Action, ...]]:
    """The state to begin with, and what calls off the builds and node requests that the raw values tell of.

    :param counter: the greatest that was recorded. :param state: the newest one that was recorded, of any format.
    :param outbox: the actions that were in it, of any format.
    """
    actions = list(outbox)
    greatest = max([counter, *_numbers([state], "State", "counter"), *(_number(one, "id") for one in actions)])
    runs = [one for one in _records(state) if one["$"] == "JobRun"]
    builds = {_number(run, "build") for run in runs if run.get("phase") in _GOING} | {*_numbers(actions, "StartBuild")}
    requests = {_number(run, "request") for run in runs} | {*_numbers(actions, "RequestNode")}
    ends: list[Action] = []
    for build in sorted(builds - {0}):
        greatest += 1
        ends.append(CancelBuild(greatest, build))
    for request in sorted(requests - {0}):
        greatest += 1
        ends.append(DropRequest(greatest, request))
    return replace(first, counter=max(first.counter, greatest)), tuple(ends)


def _numbers(values: Iterable[Json], kind: str, field: str = "id") -> Iterator[int]:
    return (_number(one, field) for one in values if isinstance(one, dict) and one.get("$") == kind)


def _number(record: Json, field: str) -> int:
    found = record.get(field) if isinstance(record, dict) else 0
    return found if isinstance(found, int) else 0


def _records(raw: Json) -> Iterator[dict[str, Json]]:
    """All records in a value."""
    if isinstance(raw, list):
        for one in raw:
            yield from _records(one)
    elif isinstance(raw, dict):
        if "$" in raw:
            yield raw
        for one in raw.values():
            yield from _records(one)
