"""How Zuul merges variables: mappings deeply, everything else replaced; nothing is evaluated here."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.stanza import Tagged


def merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Both, `above` winning; mappings on both sides are merged key by key, lists and scalars are replaced."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            result[key] = merged(under, value)
        else:
            result[key] = value
    return result


def applied(below: Mapping[str, object], value: object) -> dict[str, object]:
    """What a definition's `vars` make of those below it; ``!override`` replaces them all.

    :raises TypeError: the value is no mapping.
    """
    override = isinstance(value, Tagged) and value.tag == "!override"
    inner = value.value if isinstance(value, Tagged) else value
    if inner is None:
        inner = {}
    if not isinstance(inner, Mapping):
        raise TypeError("not a mapping")
    return merged({} if override else below, inner)
