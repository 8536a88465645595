"""Whose node is kept after its build, and where that build stood; nothing is kept or entered here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gatelocal.model.record import dataclass, field


class Hold(Enum):
    """Which node of a run is kept: one at the most.

    ``FAILURE``: that of the first voting build that fails. ``ALWAYS``: the same, and where none fails, that of the
    build that has ended last.
    """

    NEVER = "never"
    FAILURE = "failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Keep:
    """What a run's builds are told. :ivar hold: which node is kept. :ivar keys: lines of public keys let in to it."""

    hold: Hold = Hold.NEVER
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """A program as it was started on a node.

    :ivar directory: absolute path on the node.
    :ivar environment: the variables that it was given beside the node's own.
    :ivar purpose: for people, as in "make the environment py3".
    :ivar own: it is one of our own programs, whose command line nobody would type.
    """

    argv: tuple[str, ...]
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    purpose: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a node is kept.

    :ivar run: the name of the run's folder. :ivar job: what the build is called. :ivar change: the change's name.
    :ivar logs: the build's folder. :ivar invocation: what decided the outcome, where that was a program.
    """

    run: str = ""
    job: str = ""
    change: str = ""
    outcome: str = ""
    logs: str = ""
    invocation: Invocation | None = None
