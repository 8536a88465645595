"""Where the gate may differ from the well-known behaviour, as switches; what a switch does is in its own rule.

Each field's words say what it costs and what it guarantees; ``classic`` has none of them on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from gatelocal.errors import InputError
from gatelocal.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches; each is one rule or module that can be read alone, named here.

    :ivar verify: a push past the gate or a submit by hand is noticed (changes.py, land.py); costs one look per landing,
        guarantees that what lands was tested on the trunk it lands on.
    :ivar reconcile: the server's state is read at the start and every ten minutes (changes.py); costs a query,
        guarantees that a lost event delays a change by at most that long.
    :ivar explain: nothing is refused silently (land.py, ``tell_once``); costs one message per change and reason.
    :ivar early_conflict: a conflict with a change ahead is told when it is found (answers.py); costs one message.
    :ivar one_halving: one failure halves the window once (land.py, ``reject``); costs nothing.
    :ivar confirm: a red voting job is built once more before it counts (doubt.py).
    :ivar pause_on_broken_trunk: nobody is rejected for what fails on the bare trunk as well (doubt.py).
    :ivar reuse: a result survives a reset if its job's inputs are the same (reuse.py).
    :ivar urgent: an urgent change is tested beside the queue and lands when it is green (switches/urgent.py).
    :ivar overtake: a green change lands before those ahead that it has nothing to do with (switches/overtake.py).
    :ivar batch: changes that wait for nodes are tested together (switches/batch.py).
    :ivar late_restart: followers of a failure are built late, the failed job first (switches/late_restart.py).
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


def policy_of(value: object) -> Policy:
    """The policy of a name (``classic``, ``default``) or of a mapping of switches onto ``classic``.

    :raises InputError: there is none of that name, or an unknown switch.
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
        found[str(name)] = value
    return found
