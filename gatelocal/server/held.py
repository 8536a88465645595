"""Nodes that are kept for people: which builds are asked to keep theirs, and what has become of those; no rule.

Which failed build is meant, the gate says after its end, when its node would have gone already. So every build that may
be meant is asked to keep its node if it fails, and the node of one that was not meant is returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatelocal.builds.folder import KEEP
from gatelocal.errors import InputError
from gatelocal.launcher import holds
from gatelocal.launcher.place import Record
from gatelocal.pipeline.state import Autohold, State
from gatelocal.ports import Say
from gatelocal.store.builds import Builds, Wanted


def wanted(wish: Autohold, project: str, job: str, change: str) -> bool:
    """Whether a build may be the one that an operator means."""
    return (wish.project, wish.job) == (project, job) and wish.change in ("", change)


@dataclass(frozen=True, slots=True)
class HeldNode:
    """A node that is kept. :ivar build: the number of its build in the history; None when that has forgotten it.

    :ivar until: seconds since the epoch; 0: it has no end. :ivar shell: the command line that leads there.
    """

    name: str
    build: int | None
    until: float
    shell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The kept nodes of one daemon. :ivar nodes: where the records of nodes are."""

    nodes: Path
    builds: Builds
    say: Say

    def requests(self, state: State) -> Iterator[int]:
        """The node requests of all builds under way that some operator may mean.

        :raises InfrastructureError: the history cannot be read.
        """
        for item in state.items.values():
            for run in item.runs:
                facts = state.changes.get(run.ref.change)
                where = (facts.project if facts is not None else "", run.job.name, run.ref.change)
                if any(wanted(one, *where) for one in state.holds):
                    record = self.builds.of_build(run.build) if run.build and not run.request else None
                    yield run.request if record is None else record.id

    def every(self) -> tuple[HeldNode, ...]:
        """Those that are kept, the oldest first. :raises InfrastructureError: the history cannot be read."""
        return tuple(self._held(one) for one in holds.held(self.nodes))

    def release(self, name: str) -> None:
        """Return one. :raises InputError: there is no such node."""
        known = [one for one in holds.held(self.nodes) if one.name == name]
        if not known:
            raise InputError(f"no node {name[:100]} is kept", hint="GET /api/held tells of all")
        holds.give_back(self.nodes, name)

    def not_meant(self, build: int) -> None:
        """A build has ended that no operator meant: its node is returned, if it was kept.

        :raises InfrastructureError: the history cannot be read.
        """
        record = self.builds.of_build(build)
        if record is None or not record.folder or not (Path(record.folder) / KEEP).exists():
            return
        for one in holds.held(self.nodes):
            if one.occasion is not None and one.occasion.logs == record.folder:
                self.say(f"the node {one.name} is returned: another build was meant")
                holds.give_back(self.nodes, one.name)

    def _held(self, one: Record) -> HeldNode:
        build = None
        if one.occasion is not None and one.occasion.run.isdecimal():
            rows = self.builds.find(Wanted(preparation=int(one.occasion.run), limit=1000))
            build = next((row.id for row in rows if row.folder == one.occasion.logs), None)
        return HeldNode(one.name, build, one.until, holds.shell_argv(self.nodes, one.name))
