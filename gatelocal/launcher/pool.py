"""Gives out nodes: chooses the provider, names and records each node, and cleans up when one does not come up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.launcher import bootstrap, images, machine, place, settings, snapshots, sweeper
from gatelocal.launcher.providers import acceleration, local, nspawn, qemu
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.label import Labels, Origin, Wanted
from gatelocal.ports import Node, Say

KINDS = ("auto", "qemu", "nspawn", "local")


def launcher(kind: str, cache: Path, runtime: Path, labels: Labels = BUILT_IN, family: str = "tox") -> Pool:
    """The launcher of a kind of node.

    :param kind: one of :data:`KINDS`; ``auto`` is an accelerated virtual machine, else a container where we may make
        one, else an emulated virtual machine.
    :param cache: where images are kept; may be deleted at any time. :param runtime: where running nodes have folders.
    :param labels: what labels mean. :param family: for which jobs, see :data:`gatelocal.launcher.recipe.FAMILIES`.
    :raises InputError: no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"no such kind of node: {kind}", hint=f"choose one of {', '.join(KINDS)}")
    return Pool(kind, images.below(cache), runtime.absolute(), labels, family)


@dataclass(frozen=True, slots=True)
class Pool:
    """See :func:`launcher`."""

    kind: str
    cache: Path
    runtime: Path
    labels: Labels = BUILT_IN
    family: str = "tox"

    def launch(self, label: str | None, say: Say) -> Node:
        """See :class:`gatelocal.ports.Launcher`."""
        self._sweep(say)
        wanted = self.labels.wanted(label)
        choice = self._choose(wanted.origin, say)
        if choice.kind == "local":
            wanted = replace(wanted, note=f"this machine stands in for {label}" if label else "")
        elif wanted.note:
            unknown = "" if wanted.known else f"no image is known for the label {wanted.label}: "
            say(f"{unknown}{wanted.note}")
        try:
            return self._launch(choice, wanted, say)
        except qemu.DidNotBoot as error:
            say(f"{error.brief}; trying once more, with more time")
            choice = replace(choice, patience=2)
        except nspawn.DidNotStart as error:
            if self.kind != "auto":
                raise
            say(f"{error.brief}: no more containers here until the next boot")
            nspawn.does_not_work(self.cache, error)
            choice = self._choose(wanted.origin, say)
        return self._launch(choice, wanted, say)

    def snapshot(self, node: str, name: str) -> snapshots.Snapshot:
        """Keep what the node of that name has on its disk. Errors: see :func:`gatelocal.launcher.snapshots.take`."""
        return snapshots.take(self.cache, self.runtime / node, name)

    def clone(self, name: str, say: Say) -> Node:
        """A container that goes on from the snapshot of that name; errors are those of :meth:`launch`.

        :raises InputError: there is no such snapshot.
        """
        self._sweep(say)
        snapshot = snapshots.found(self.cache).get(name)
        if snapshot is None:
            known = ", ".join(sorted(snapshots.found(self.cache))) or "none"
            raise InputError(f"there is no snapshot {name}", hint=f"snapshots: {known}")
        wanted = self.labels.wanted(snapshot.label)
        wanted = replace(wanted, origin=self.labels.origins.get(snapshot.label, wanted.origin), note="")
        choice = _Choice("nspawn", f"{nspawn.KIND}, from the snapshot {name}", snapshot=snapshot)
        return self._launch(choice, wanted, say)

    def _launch(self, choice: _Choice, wanted: Wanted, say: Say) -> Node:
        folder, record = place.create(self.runtime, choice.kind, wanted.origin.name)
        try:
            argv = sweeper.guard_argv(folder, record.owner)
            guard = process.spawn(argv, log=folder / "guard.log", outlive=True)
            described = "; ".join(filter(None, (choice.description, wanted.note)))
            record = replace(record, description=described, notes=(wanted.note,) if wanted.note else ())
            record = place.note_process(folder, record, guard.pid)
            return self._start(choice, wanted, folder, record, say)
        except BaseException:
            sweeper.remove(folder)
            raise

    def prepare(self, label: str | None, say: Say) -> None:
        """Make what a node of this kind is started from, and start none; errors are those of :meth:`launch`.

        :raises ConfigurationError: no image is known for the label; here none stands in by chance.
        """
        self._sweep(say)
        wanted = self.labels.wanted(label)
        if not wanted.known:
            known = ", ".join(sorted(self.labels.origins))
            hint = f"images are: {known}; labels.yaml in the configuration's folder can say more"
            raise ConfigurationError(f"no image is known for the label {label}", hint=hint)
        image = self._image(wanted.origin)
        choice = self._choose(wanted.origin, say)
        if wanted.note:
            say(wanted.note)
        say(f"nodes are of this kind: {choice.description}")
        if choice.kind == "nspawn":
            images.ensure_rootfs(image, say)
        elif choice.kind == "qemu":
            machine.ensure(image, say, wanted.size.disk)

    def _sweep(self, say: Say) -> None:
        """Remove what dead processes left: nodes, half of an image, temporary folders."""
        sweeper.sweep(self.runtime, say)
        images.sweep(self.cache)

    def _start(self, choice: _Choice, wanted: Wanted, folder: Path, record: place.Record, say: Say) -> Node:
        if choice.kind == "local":
            return local.launch(self.cache, folder, record, settings.environment(), say)
        image = self._image(wanted.origin)
        if choice.kind == "nspawn":
            return nspawn.launch(image, wanted.size, folder, record, say, choice.snapshot)
        provider = qemu.Provider(choice.accelerated, wanted.size, choice.patience)
        return provider.launch(image, folder, record, say)

    def _image(self, origin: Origin) -> images.Image:
        return images.find(self.cache, origin, settings.environment(), self.family)

    def _choose(self, origin: Origin, say: Say) -> _Choice:
        if self.kind == "local":
            return _Choice("local", local.DESCRIPTION)
        if self.kind == "nspawn":
            why_not = nspawn.why_not(self.cache)
            if why_not:
                raise InfrastructureError(
                    why_not, hint="run as root on a machine that allows it, or choose --node qemu or --node local"
                )
            return _Choice("nspawn", nspawn.KIND)
        if self.kind == "qemu":
            qemu.require()
            why_not = self._no_acceleration(origin, say)
            return _Choice("qemu", qemu.describe(why_not), accelerated=not why_not)
        return self._choose_best(origin, say)

    def _choose_best(self, origin: Origin, say: Say) -> _Choice:
        no_machine = _reason(lambda: qemu.require() or self._no_image(origin))
        slow = no_machine or self._no_acceleration(origin, say)
        if not slow:
            return _Choice("qemu", qemu.describe(slow), accelerated=True)
        no_container = _reason(lambda: nspawn.why_not(self.cache) or self._no_image(origin))
        if not no_container:
            return _Choice("nspawn", f"{nspawn.KIND}; {slow}")
        if no_machine:
            raise InfrastructureError(
                "no isolated node can be made on this machine",
                details="\n".join(dict.fromkeys((no_machine, no_container))),
                hint="install qemu-system-x86, qemu-utils, mmdebstrap and uidmap, or as root systemd-container and "
                "slirp4netns; --node local goes without isolation",
            )
        return _Choice("qemu", qemu.describe(f"{slow}; {no_container}"))

    def _no_image(self, origin: Origin) -> str:
        """Why there is no image of that origin and none can be made; empty when there is one, or one can."""
        return "" if self._image(origin).built else bootstrap.why_not()

    def _no_acceleration(self, origin: Origin, say: Say) -> str:
        return acceleration.why_not(self.cache, lambda: machine.ensure_kernel(self._image(origin), say), say)


def _reason(why_not: Callable[[], str]) -> str:
    """Why something cannot be had: what it says, or the program that is missing."""
    try:
        return why_not()
    except process.ProgramMissing as missing:
        return missing.brief


@dataclass(frozen=True, slots=True)
class _Choice:
    kind: str
    description: str
    accelerated: bool = False
    patience: int = 1
    snapshot: snapshots.Snapshot | None = None
