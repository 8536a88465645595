"""How long a node is held or a run is kept, and how much disk and memory all of them may use, as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatelocal.errors import InputError
from gatelocal.model.text import visible

VARIABLE = "GATELOCAL_HOLD"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BYTES = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_HINT = "write a time as 90m, 24h or 7d, a size as 500M or 20G, and a share of the memory as 25%"


@dataclass(frozen=True, slots=True)
class Terms:
    """Of held nodes, or of runs.

    :ivar seconds: of each. :ivar space: bytes of disk for all of them. :ivar share: of the memory; 0: they use none.
    """

    seconds: float
    space: int
    share: float = 0.0


_NODES = Terms(24 * 3600.0, 20 << 30, 0.25)


def of(environment: Mapping[str, str], variable: str = VARIABLE, usual: Terms = _NODES) -> Terms:
    """What a variable says: a time, a size, a share, or several with commas (``48h,50G,10%``).

    :param usual: what counts where it says nothing.
    :raises InputError: it says something else.
    """
    found: dict[str, float] = {}
    for word in filter(None, (part.strip() for part in environment.get(variable, "").split(","))):
        if word.endswith("%") and usual.share:
            kind, value = "share", _share(word)
        else:
            kind, value = ("space", _size(word)) if word[-1:] in _BYTES else ("seconds", _duration(word))
        if value is None or kind in found:
            kinds = "time, size or share" if usual.share else "time or size"
            raise InputError(f"{variable} has {visible(word)}, which is no {kinds}", hint=_HINT)
        found[kind] = value
    seconds, share = found.get("seconds", usual.seconds), found.get("share", usual.share)
    return Terms(seconds, int(found.get("space", usual.space)), share)


def duration(text: str) -> float:
    """The seconds of a time such as ``90m``. :raises InputError: it is none."""
    found = _duration(text)
    if found is None:
        raise InputError(f"{visible(text)} is no time", hint=_HINT)
    return found


def _duration(text: str) -> float | None:
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    return seconds or None


def _share(text: str) -> float | None:
    found = re.fullmatch(r"([1-9][0-9]?|100)%", text)
    return int(found[1]) / 100 if found else None


def _size(text: str) -> float | None:
    found = re.fullmatch(r"([0-9]{1,6})([MGT])", text)
    return int(found[1]) * _BYTES[found[2]] if found else None
