"""Which provider nodes come from: what was asked for, or the best that this machine can do; it makes none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import bootstrap, images, machine, network, snapshots, trials
from gatelocal.launcher.providers import acceleration, local, nspawn, qemu
from gatelocal.ports import Say


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, and how it is to make its nodes. :ivar patience: how often the usual time they get to come up."""

    kind: str
    description: str
    accelerated: bool = False
    patience: int = 1
    snapshot: snapshots.Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses for one image.

    :ivar kind: see :func:`gatelocal.launcher.pool.launcher`, without hosts of the user's. :ivar cache: of images.
    :ivar image: looks it up.
    """

    kind: str
    cache: Path
    image: Callable[[], images.Image]
    say: Say

    def several(self, count: int) -> Choice:
        """For nodes with a network between them. :raises InfrastructureError: they cannot be had here."""
        why_not = "" if trials.is_root() else "only root can make that"
        if self.kind == "local":
            why_not = "folders of this machine can have none"
        if why_not := why_not or network.why_not():
            raise InfrastructureError(
                f"the job has {count} nodes with a network of their own between them: {why_not}",
                hint="several nodes are containers or virtual machines of root's, or hosts of yours (labels.yaml)",
            )
        return self.one()

    def one(self) -> Choice:
        """For a node. :raises InfrastructureError: it cannot be had here; the hint says what helps."""
        if self.kind == "local":
            return Choice("local", local.DESCRIPTION)
        if self.kind == "nspawn":
            why_not = nspawn.why_not(self.cache)
            if why_not:
                raise InfrastructureError(
                    why_not, hint="run as root on a machine that allows it, or choose --node qemu or --node local"
                )
            return Choice("nspawn", nspawn.KIND)
        if self.kind == "qemu":
            qemu.require()
            why_not = self._no_acceleration()
            return Choice("qemu", qemu.describe(why_not), accelerated=not why_not)
        return self._best()

    def _best(self) -> Choice:
        no_machine = _reason(lambda: qemu.require() or self._no_image())
        slow = no_machine or self._no_acceleration()
        if not slow:
            return Choice("qemu", qemu.describe(slow), accelerated=True)
        no_container = _reason(lambda: nspawn.why_not(self.cache) or self._no_image())
        if not no_container:
            return Choice("nspawn", f"{nspawn.KIND}; {slow}")
        if no_machine:
            raise InfrastructureError(
                "no isolated node can be made on this machine",
                details="\n".join(dict.fromkeys((no_machine, no_container))),
                hint="install qemu-system-x86, qemu-utils, mmdebstrap and uidmap, or as root systemd-container and "
                "slirp4netns; --node local goes without isolation",
            )
        return Choice("qemu", qemu.describe(f"{slow}; {no_container}"))

    def _no_image(self) -> str:
        """Why there is no image and none can be made; empty when there is one, or one can."""
        return "" if self.image().built else bootstrap.why_not()

    def _no_acceleration(self) -> str:
        return acceleration.why_not(self.cache, lambda: machine.ensure_kernel(self.image(), self.say), self.say)


def _reason(why_not: Callable[[], str]) -> str:
    """Why something cannot be had: what it says, or the program that is missing."""
    try:
        return why_not()
    except process.ProgramMissing as missing:
        return missing.brief
