"""Values of configuration objects, read as what they should be; what they mean is said elsewhere.

Every reading may raise ConfigurationError, with the place of the object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.zuul.match import pattern_problem
from gatelocal.model.layout import Pattern
from gatelocal.model.stanza import Tagged

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def only(body: Mapping[str, object], known: frozenset[str], place: str, what: str) -> None:
    """Refuse keys that are not known."""
    unknown = sorted(set(body) - known)
    if unknown:
        raise ConfigurationError(
            f"{place}: {what}: unknown key {unknown[0]}", hint=f"known: {', '.join(sorted(known))}"
        )


def listed(value: object) -> list[object]:
    """A list, a single value as a list of one, nothing as none."""
    if isinstance(value, Tagged):
        value = value.value
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def mapping(value: object, place: str, key: str) -> Mapping[str, object]:
    """A mapping."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{place}: {key} is not a mapping")
    return value


def text(value: object, place: str, key: str) -> str:
    """A name."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{place}: {key}: {value!r} is not a name")
    return value


def names(value: object, place: str, key: str) -> tuple[str, ...]:
    """Names: a list, or a single one."""
    return tuple(text(item, place, key) for item in listed(value))


def truth(value: object, place: str, key: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{place}: {key}: {value!r} is neither true nor false")
    return value


def whole(value: object, place: str, key: str) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{place}: {key}: {value!r} is not a whole number")
    return value


def pattern(value: object, place: str) -> Pattern:
    """A regular expression (RE2), or a mapping with one that may be negated."""
    problem = pattern_problem(value)
    if problem:
        raise ConfigurationError(f"{place}: {problem}")
    if isinstance(value, Mapping):
        return Pattern(str(value["regex"]), value.get("negate") is True)
    return Pattern(str(value))


def patterns(value: object, place: str) -> tuple[Pattern, ...]:
    """Regular expressions: a list, or a single one."""
    return tuple(pattern(item, place) for item in listed(value))


def duration(value: object, place: str) -> float:
    """Seconds of ``90``, ``40m``, ``2h``. :raises ConfigurationError: it is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", value) if isinstance(value, str) else None
    if found is None:
        raise ConfigurationError(f"{place}: {value!r} is no length of time such as 40m")
    return float(found[1]) * _SECONDS[found[2] or "s"]
