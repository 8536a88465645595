"""Values that an older version wrote → values as this version writes them, by one small step for each format."""

from __future__ import annotations

from collections.abc import Callable

from gatelocal.store.codec import FORMAT, Json

Step = Callable[[str, dict[str, Json]], dict[str, Json]]
"""A record's kind and its fields → the fields as the next format has them, kind included.

It is asked for every record, the inner ones first, whole or in part (see ``delta.py``): what it does to a field, it
does only where the field is there.
"""

Convert = Callable[[Json], Json]
"""A value of another format → the same as this version writes it."""

STEPS: dict[int, Step] = {}
"""Format → how its records become those of the next one. A field that is new and has a default needs no step."""


def converter(written: int) -> Convert | None:
    """What makes values of that format those of this version; None when there is no way."""
    if written > FORMAT or not all(older in STEPS for older in range(written, FORMAT)):
        return None
    steps = [STEPS[older] for older in range(written, FORMAT)]

    def convert(raw: Json) -> Json:
        for step in steps:
            raw = _converted(raw, step)
        return raw

    return convert


def _converted(raw: Json, step: Step) -> Json:
    if isinstance(raw, list):
        return [_converted(one, step) for one in raw]
    if not isinstance(raw, dict):
        return raw
    record = {name: _converted(one, step) for name, one in raw.items()}
    kind = record.get("$")
    return step(kind, record) if isinstance(kind, str) else record
