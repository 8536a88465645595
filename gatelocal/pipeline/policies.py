"""Where the gate may differ from the well-known behaviour, as switches; what a switch does is in its own rule.

Each field's words say what it costs and what it guarantees; ``classic`` has none of them on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from gatelocal.errors import InputError


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches.

    :ivar verify: a push past the gate or a submit by hand is noticed; costs one look per landing, guarantees that
        what lands was tested on the trunk it lands on.
    :ivar reconcile: the server's state is read at the start and every ten minutes; costs a query, guarantees that a
        lost event delays a change by at most that long.
    :ivar explain: nothing is refused silently; costs at most one message per change and reason.
    :ivar early_conflict: a conflict with a change ahead is told when it is found; costs one message.
    :ivar one_halving: one failure halves the window once; costs nothing.
    :ivar confirm: a red voting job is built once more before it counts; costs one build per red result, and a change
        that brings a flake of rate p gets in with 1 - p² instead of 1 - p.
    """

    verify: bool = False
    reconcile: bool = False
    explain: bool = False
    early_conflict: bool = False
    one_halving: bool = False
    confirm: bool = False
    pause_on_broken_trunk: bool = False
    reuse: bool = False
    urgent: bool = False
    overtake: bool = False
    batch: bool = False
    late_restart: bool = False


CLASSIC = Policy()

STARRED = (
    "verify",
    "reconcile",
    "explain",
    "early_conflict",
    "one_halving",
    "confirm",
    "pause_on_broken_trunk",
    "reuse",
)
"""The switches of ``default``."""

NOT_BUILT: frozenset[str] = frozenset({"urgent", "overtake", "batch", "late_restart"})
"""Switches that the format knows and the gate does not have yet: asking for one is an error."""


def policy_of(value: object) -> Policy:
    """The policy of a name (``classic``, ``default``) or of a mapping of switches onto ``classic``.

    :raises InputError: there is none of that name, an unknown switch, or one that is not built.
    """
    if value == "classic":
        return CLASSIC
    if value == "default":
        return Policy(**_built(dict.fromkeys(STARRED, True)))
    if isinstance(value, Mapping):
        return Policy(**_built(value))
    raise InputError(f"there is no policy {value!r}", hint="classic, default, or a mapping of switches")


def _built(switches: Mapping[object, object]) -> dict[str, bool]:
    known = [field.name for field in fields(Policy)]
    found: dict[str, bool] = {}
    for name, value in switches.items():
        if name not in known:
            raise InputError(f"there is no switch {name!r}", hint=f"known: {', '.join(known)}")
        if not isinstance(value, bool):
            raise InputError(f"the switch {name} is true or false, not {value!r}")
        if value and name in NOT_BUILT:
            raise InputError(f"the switch {name} is not built yet")
        found[str(name)] = value
    return found
