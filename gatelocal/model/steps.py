"""A job as a list of commands: what each is, and which test suites are known; nothing is read or run here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.record import dataclass, field

SUITES = ("pytest", "stestr", "unittest", "go", "cargo", "tap")
"""The test programs whose words are understood: by a witness in them, or by their output."""

LONGEST = 20_000
"""Bytes of a command, and of all values of an environment: by ssh, all of it is one word, and Linux takes 128 KiB."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Command:
    """One step.

    :ivar name: for people. :ivar command: for `sh -eu -c`.
    :ivar suite: one of :data:`SUITES`; empty where none is named.
    :ivar results: patterns of files, in the project's folder, that tell its tests.
    :ivar directory: below the project's folder; empty: that itself.
    :ivar timeout: seconds; None: until the job's own.
    :ivar node: the name of the node that it runs on; empty: the first.
    :ivar setup: it makes the environment ready, and what fails in it is no word about the change.
    """

    name: str
    command: str
    suite: str = ""
    results: tuple[str, ...] = ()
    directory: str = ""
    timeout: int | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    setup: bool = False
    node: str = ""

    @property
    def tells(self) -> bool:
        """Whether it has been promised that tests run in it."""
        return bool(self.suite or self.results)


@dataclass(frozen=True, slots=True)
class Steps:
    """All of a job. :ivar commands: in their order, setup first. :ivar artifacts: patterns of files to keep."""

    commands: tuple[Command, ...]
    artifacts: tuple[str, ...] = ()
