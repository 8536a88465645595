"""What is queued in a running Zuul, from its status: which changes a new one would be tested on top of; asks nobody.

The shape is that of Zuul 14's status (``/api/tenant/TENANT/status``). As Zuul does, a new change is tested on the
nearest item that is not failing, and on all that this one stands on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatelocal.errors import InputError
from gatelocal.model.plan import QueuedChange

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """Which queue is meant.

    :ivar queue: its name; None: the one that the project has for itself.
    """

    pipeline: str
    queue: str | None
    project: str
    branch: str


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    ahead: str
    failing: bool
    changes: tuple[QueuedChange, ...]


def ahead(status: Mapping[str, object], line: Line, own: str = "") -> tuple[QueuedChange, ...]:
    """The changes that would be merged before a new one, the first to land first.

    :param own: the planned change's name (``1234,5``) or number: if it is in the queue, only what is before it counts.
    :raises InputError: it is no status of a Zuul, or has no such pipeline.
    """
    items = _items(status, line)
    known = {item.id: item for item in items}
    mine = next((item for item in items if own and any(_is(one, own) for one in item.changes)), None)
    if mine is not None:
        start = known.get(mine.ahead)
    else:
        start = next((item for item in reversed(items) if not item.failing), None)
    found: list[_Item] = []
    while start is not None and start not in found:
        found.append(start)
        start = known.get(start.ahead)
    return tuple(change for item in reversed(found) for change in item.changes)


def _is(change: QueuedChange, own: str) -> bool:
    return own in (change.name, change.name.partition(",")[0])


def _items(status: Mapping[str, object], line: Line) -> list[_Item]:
    known = _mappings(status, "pipelines", "it")
    chosen = next((one for one in known if one.get("name") == line.pipeline), None)
    if chosen is None:
        told = ", ".join(str(one.get("name")) for one in known[:20])
        raise InputError(f"that Zuul has no pipeline {line.pipeline}", hint=f"it has {told}" if told else "")
    if chosen.get("manager") in ("independent", "supercedent"):
        return []  # each change there is tested by itself
    for queue in _mappings(chosen, "change_queues", f"pipeline {line.pipeline}"):
        items = [_item(one) for head in _listed(queue, "heads", "a queue") for one in _checked(head, "a queue's head")]
        if _is_meant(queue, items, line):
            return items[:_MOST]
    return []


def _is_meant(queue: Mapping[str, object], items: Sequence[_Item], line: Line) -> bool:
    if queue.get("branch") not in (None, "", line.branch):
        return False
    if line.queue is not None:
        return queue.get("name") == line.queue
    inside = (one.project for item in items for one in item.changes)
    return queue.get("name") == line.project or line.project in inside


def _item(body: Mapping[str, object]) -> _Item:
    told = f"item {_text(body.get('id'))[:100]}"
    changes = tuple(
        QueuedChange(_text(one.get("id")), _text(one.get("project")), _text(one.get("url")))
        for one in _mappings(body, "refs", told)
    )
    if not changes or not body.get("id"):
        raise _strange(f"{told} has no id or no changes")
    return _Item(_text(body["id"]), _text(body.get("item_ahead")), bool(body.get("failing_reasons")), changes)


def _mappings(body: Mapping[str, object], key: str, told: str) -> list[Mapping[str, object]]:
    return _checked(_listed(body, key, told), f"{key} of {told}")


def _listed(body: Mapping[str, object], key: str, told: str) -> list[object]:
    value = body.get(key)
    if not isinstance(value, list):
        raise _strange(f"{told} has no list of {key.replace('_', ' ')}")
    return value


def _checked(value: object, told: str) -> list[Mapping[str, object]]:
    """The list's mappings. Whatever else stands there is not overlooked: the plan would rest on less than is queued."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise _strange(f"{told}: no list of objects")
    return value


def _strange(told: str) -> InputError:
    return InputError(f"that is no status of a Zuul: {told}", hint="Zuul 14 has it at /api/tenant/TENANT/status")


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
