"""Gives out nodes: chooses the provider, names and records each node, and cleans up when one does not come up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.launcher import images, lan, machine, place, settings, snapshots, sweeper
from gatelocal.launcher.choosing import Choice, Chooser
from gatelocal.launcher.nodeset import Gathered, together
from gatelocal.launcher.providers import local, nspawn, openstack, qemu, static
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.job import one_node
from gatelocal.model.label import Labels, Origin, Wanted
from gatelocal.model.plan import Nodeset
from gatelocal.model.text import visible
from gatelocal.ports import Node, Say

KINDS = ("auto", "qemu", "nspawn", "static", "openstack", "local")
_ELSEWHERE = ("static", "openstack")


def launcher(kind: str, cache: Path, runtime: Path, labels: Labels = BUILT_IN, family: str = "tox") -> Pool:
    """The launcher of a kind of node.

    :param kind: one of :data:`KINDS`; ``auto`` is a host or a cloud of the user's where the table names one for the
        label, else an accelerated virtual machine, else a container where we may make one, else an emulated one.
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
        """One node of a label (None: the default one); errors are those of :meth:`gather`."""
        return self.gather((one_node(label),), say).each[0]

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Gathered:
        """See :class:`gatelocal.ports.Launcher`. What can be had without a substitute is tried before what cannot."""
        self._sweep(say)
        *before, last = sorted(nodesets, key=self._is_substituted)
        for nodeset in before:
            try:
                return self._gather(nodeset, nodesets[0], say)
            except InfrastructureError as error:
                say(f"{_called(nodeset)} cannot be had: {error.brief}; the job allows another one")
        return self._gather(last, nodesets[0], say)

    def _is_substituted(self, nodeset: Nodeset) -> bool:
        if self._elsewhere(nodeset) is not None:
            return False
        wanted = (self.labels.wanted(node.label or None) for node in nodeset.nodes)
        return any(one.note or not one.known for one in wanted)

    def _elsewhere(self, nodeset: Nodeset) -> Choice | None:
        """What the user's table has for it that is not of this machine: hosts, else a cloud."""
        labels = [node.label or None for node in nodeset.nodes]
        hosts, cloud = Choice("static", static.KIND), Choice("openstack", openstack.KIND)
        if self.kind == "static" or (self.kind == "auto" and all(map(self.labels.hosts_of, labels))):
            return hosts
        if self.kind == "openstack" or (self.kind == "auto" and all(map(self.labels.cloud_of, labels))):
            return cloud
        return None

    def _gather(self, nodeset: Nodeset, first: Nodeset, say: Say) -> Gathered:
        wanted = [self.labels.wanted(node.label or None) for node in nodeset.nodes]
        choice = self._elsewhere(nodeset) or self._choose_for(wanted, say)
        if choice.kind == "local":
            notes = [f"this machine stands in for {node.label or 'a node of its own'}" for node in nodeset.nodes]
            wanted = [replace(one, note=note) for one, note in zip(wanted, notes, strict=True)]
        elif choice.kind in _ELSEWHERE:
            wanted = [replace(one, note="") for one in wanted]
        else:
            for one in dict.fromkeys(one for one in wanted if one.note):
                say(f"{'' if one.known else f'no image is known for the label {one.label}: '}{one.note}")
        found = self._retried(choice, wanted, nodeset, say)
        note = f"{_called(first)} cannot be had here: the job has {_called(nodeset)}, which it allows"
        return replace(found, note="" if nodeset == first else note)

    def _retried(self, choice: Choice, wanted: Sequence[Wanted], nodeset: Nodeset, say: Say) -> Gathered:
        try:
            return self._launch(choice, wanted, nodeset, say)
        except (qemu.DidNotBoot, openstack.DidNotBoot) as error:
            say(f"{error.brief}; trying once more, with more time")
            choice = replace(choice, patience=2)
        except nspawn.DidNotStart as error:
            if self.kind != "auto" or len(wanted) > 1:
                raise
            say(f"{error.brief}: no more containers here until the next boot")
            nspawn.does_not_work(self.cache, error)
            choice = self._choose(wanted[0].origin, say)
        return self._launch(choice, wanted, nodeset, say)

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
        choice = Choice("nspawn", f"{nspawn.KIND}, from the snapshot {name}", snapshot=snapshot)
        return self._launch(choice, (wanted,), one_node(snapshot.label), say).each[0]

    def _launch(self, choice: Choice, wanted: Sequence[Wanted], nodeset: Nodeset, say: Say) -> Gathered:
        """Make all of them; none is left where one cannot be made."""
        made: list[tuple[Path, place.Record]] = []

        def undo() -> None:
            for folder, _ in made:
                sweeper.remove(folder)

        try:
            if choice.kind == "static":
                made += static.lease(
                    self.runtime, [(one.label, self.labels.hosts_of(one.label)) for one in wanted], say
                )
            elif choice.kind == "openstack":
                asked = [(one.label, self.labels.cloud_of(one.label)) for one in wanted]
                made += openstack.lease(self.runtime, asked, say)
            for one in wanted[len(made) :]:
                made.append(place.create(self.runtime, choice.kind, one.origin.name))
            made[:] = [self._guarded(choice, one, *there) for one, there in zip(wanted, made, strict=True)]
            ports: Sequence[lan.Port | None] = [None] * len(made)
            addresses = self._addresses(made) if len(made) > 1 else ()
            if addresses:
                made[:] = _as_set(made, nodeset, addresses)
            if addresses and choice.kind not in _ELSEWHERE:
                ports, made[0] = _plugged(made)
            tasks = [partial(self._start, choice, *one, say) for one in zip(wanted, made, ports, strict=True)]
            nodes = together(tasks, undo)
            if addresses and choice.kind == "openstack":  # which it has only now
                records = [place.read(folder) for folder, _ in made]
                addresses = tuple(one.address for one in records if one is not None)
        except BaseException:
            undo()
            raise
        return Gathered(nodeset, tuple(nodes), addresses)

    def _addresses(self, made: Sequence[tuple[Path, place.Record]]) -> tuple[str, ...]:
        """Where several nodes reach each other: in a network of their own, or as the hosts that they are."""
        hosts = {host.name: host.address for host in self.labels.hosts}
        return tuple(hosts.get(record.host, lan.address(number)) for number, (_, record) in enumerate(made))

    def _guarded(self, choice: Choice, wanted: Wanted, folder: Path, record: place.Record) -> tuple[Path, place.Record]:
        """With a guard beside it, and with what is known of it already."""
        argv = sweeper.guard_argv(folder, record.owner)
        guard = process.spawn(argv, log=folder / "guard.log", outlive=True)
        described = "; ".join(filter(None, (choice.description, wanted.note)))
        record = replace(record, description=described, notes=(wanted.note,) if wanted.note else ())
        return folder, place.note_process(folder, record, guard.pid)

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

    def _start(
        self, choice: Choice, wanted: Wanted, made: tuple[Path, place.Record], port: lan.Port | None, say: Say
    ) -> Node:
        folder, record = made
        if choice.kind == "local":
            return local.launch(self.cache, folder, record, settings.environment(), say)
        if choice.kind == "static":
            host = next(one for one in self.labels.hosts if one.name == record.host)
            return static.launch(host, folder, record, say)
        if choice.kind == "openstack" and (line := self.labels.cloud_of(wanted.label)) is not None:
            return openstack.Provider(line, self.family, choice.patience).launch(folder, record, say)
        image = self._image(wanted.origin)
        if choice.kind == "nspawn":
            return nspawn.Provider(wanted.size, choice.snapshot, port).launch(image, folder, record, say)
        return qemu.Provider(choice.accelerated, wanted.size, choice.patience, port).launch(image, folder, record, say)

    def _image(self, origin: Origin) -> images.Image:
        return images.find(self.cache, origin, settings.environment(), self.family)

    def _choose_for(self, wanted: Sequence[Wanted], say: Say) -> Choice:
        """One provider for all of them."""
        if len(wanted) > 1:
            return self._chooser(wanted[0].origin, say).several(len(wanted))
        return self._choose(wanted[0].origin, say)

    def _choose(self, origin: Origin, say: Say) -> Choice:
        return self._chooser(origin, say).one()

    def _chooser(self, origin: Origin, say: Say) -> Chooser:
        return Chooser(self.kind, self.cache, lambda: self._image(origin), say)


def _called(nodeset: Nodeset) -> str:
    """A nodeset in words."""
    labels = ", ".join(node.label or "the default label" for node in nodeset.nodes)
    return visible(f"the nodeset {nodeset.name} ({labels})" if nodeset.name else labels)


def _as_set(
    made: Sequence[tuple[Path, place.Record]], nodeset: Nodeset, addresses: Sequence[str]
) -> list[tuple[Path, place.Record]]:
    """The nodes, each of which knows that it is of a nodeset."""
    several = [
        (folder, replace(record, set=made[0][1].name, names=node.names, address=address))
        for (folder, record), node, address in zip(made, nodeset.nodes, addresses, strict=True)
    ]
    for folder, record in several:
        place.write(folder, record)
    return several


def _plugged(made: Sequence[tuple[Path, place.Record]]) -> tuple[list[lan.Port], tuple[Path, place.Record]]:
    """A network of their own for several nodes: their ports in it, and the first, which it is returned with."""
    switch, first = lan.start(*made[0])
    hosts = {record.address: (*record.names, record.name) for _, record in made}
    return [lan.Port(number, switch, hosts) for number in range(len(made))], (made[0][0], first)
