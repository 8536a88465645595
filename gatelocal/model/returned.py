"""What jobs hand to one another: what one has given back by `zuul_return`, and what another one is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.record import dataclass, field

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something that a job has made.

    :ivar told: ``name``, ``url``, ``metadata`` and whatever else the job says; then whose it is, as Zuul tells it.
    :ivar file: the file on this machine, where the job has left it in its logs; else empty.
    """

    told: Mapping[str, object]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a job says of a line of the change. :ivar line: counted from 1; 0: of the whole file."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a job gives back, as far as others are to know of it.

    :ivar children: the jobs after it that it asks for; None when it does not choose.
    :ivar data: variables for the jobs after it. :ivar remarks: for whoever reads the change.
    """

    children: tuple[str, ...] | None = None
    artifacts: tuple[Artifact, ...] = ()
    data: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a build is given of the jobs before it. :ivar children: the names of the jobs directly after it."""

    children: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    data: Mapping[str, object] = field(default_factory=lambda: _NOTHING)


def merged(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Both; where both say something, mappings are merged and else the second one counts."""
    found = dict(one)
    for key, value in other.items():
        old = found.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return found
