"""Nodes that are servers of a cloud: made for one job each, within a quota, and deleted with the node.

Each carries the gate's name and the node's as metadata. What carries another gate's, or none, is never touched; what
carries ours and has no node here any more is deleted by whoever makes a server there next.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal import stopping
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import clouds, connection, guest, place, seed, steps
from gatelocal.launcher.lifecycle import NodeState, is_abandoned
from gatelocal.lock import held
from gatelocal.model.label import Cloud
from gatelocal.ports import Say

KIND = "server of a cloud"
_LOCK, _GATE = "clouds.lock", "gate"
_LOOK, _OFTEN = 5.0, 1.0  # seconds between two looks: whether there is room, and at a server that is being made
_MADE, _ANSWER, _ENTRY, _FURNISH = 600.0, 240.0, 60.0, 1800.0
_MACHINE = Path("/etc/machine-id")


class DidNotBoot(InfrastructureError):
    """A server was made and is of no use; another one may be."""


def gate(runtime: Path) -> str:
    """The name of the gate whose nodes have folders there: of no other one, nor of a copy of it elsewhere."""
    file = runtime.with_name(_GATE)
    try:
        own = file.read_text().strip()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{_GATE}.{secrets.token_hex(4)}")
        fresh.write_text(secrets.token_hex(16))
        try:
            file.hardlink_to(fresh)  # who is first names it
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        own = file.read_text().strip()
    machine = _MACHINE.read_text() if _MACHINE.exists() else ""
    return hashlib.sha256(f"{own}\n{machine}\n{runtime.absolute()}".encode()).hexdigest()[:32]


def lease(runtime: Path, wanted: Sequence[tuple[str, Cloud | None]], say: Say) -> list[tuple[Path, place.Record]]:
    """Folders of nodes that may have one server each, all of them or none; waits until there is room for as many.

    :param wanted: labels, each with where it is made. :raises clouds.Full: there is no room, and none of ours is there
        that will make some. :raises InfrastructureError: a label has no cloud, or the cloud does not say.
    """
    lines = [line for _, line in wanted if line is not None]
    if len(lines) < len(wanted) or len({line.cloud for line in lines}) > 1:
        names = ", ".join(label for label, _ in wanted)
        hint = "labels.yaml in the configuration's folder names them under `clouds`"
        raise InfrastructureError(f"there is no cloud that has {names}", hint=hint)
    runtime.mkdir(parents=True, exist_ok=True)
    told = ""
    with clouds.connect(lines[0].cloud) as client:
        while True:
            with held(runtime.with_name(_LOCK), "the servers of clouds", 120.0, say):
                why_not = _why_not(runtime, client, lines)
                if not why_not:
                    return [_taken(runtime, label, line) for (label, _), line in zip(wanted, lines, strict=True)]
            if not told:
                say(f"waiting for room in the cloud {client.name}: {why_not}")
            told = why_not
            until = time.monotonic() + _LOOK
            while time.monotonic() < until:
                stopping.check()
                time.sleep(0.1)


def _why_not(runtime: Path, client: clouds.Client, wanted: Sequence[Cloud]) -> str:
    """Why there is no room yet for these; nothing: there is. Deletes what nobody has any more."""
    servers = client.servers(gate(runtime))  # before the folders: each has one as long as somebody wants it
    there = place.folders(runtime)
    records = [one for one in map(place.read, there) if one is not None and one.cloud == client.name]
    for lost in (one for one in servers if one.node not in {folder.name for folder in there} and not one.leaving):
        client.delete(lost.id)
    living = [one for one in records if not is_abandoned(one.state, place.is_alive(one.owner))]
    used = len({one.name for one in living} | {one.node for one in servers})
    most = min((line.most for line in wanted if line.most), default=0)
    lacks = client.lacks(wanted, sum(not one.server for one in living))
    if most and used + len(wanted) > most:
        lacks = f"{used} of {most} servers are used"
        used = used if len(wanted) <= most else 0
    if lacks and not used:
        hint = f"`openstack --os-cloud {client.name} quota show`; and `most` in labels.yaml"
        raise clouds.Full(f"the cloud {client.name} has no room: {lacks}", hint=hint)
    return lacks


def _taken(runtime: Path, label: str, line: Cloud) -> tuple[Path, place.Record]:
    word = re.sub("[^A-Za-z0-9]+", "-", label)[:40].strip("-") or "server"
    folder, record = place.create(runtime, "openstack", word)
    record = replace(record, cloud=line.cloud, gate=gate(runtime))
    place.write(folder, record)
    return folder, record


@dataclass(frozen=True, slots=True)
class Provider:
    """Makes servers as a line of the table says. :ivar patience: how often the usual time they get to come up."""

    line: Cloud
    family: str = "tox"
    patience: int = 1

    def launch(self, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
        """Have the server of the leased node made, and wait until it is ready.

        :raises DidNotBoot: it came to nothing, or does not answer in time; its last words are in the details.
        :raises InfrastructureError: it is refused.
        """
        line = self.line
        seed.identity(folder, record.name, "")
        keys = [(folder / each).read_text() for each in ("key.pub", "host_key", "host_key.pub")]
        told = guest.user_data(record.name, *keys)
        described = f"{KIND} ({line.cloud}: {line.image}, {line.flavor})"
        record = place.move(folder, replace(record, description=described), NodeState.BOOTING)
        with clouds.connect(line.cloud) as client:
            try:
                record = replace(record, server=client.create(line, record, told))
            except clouds.Unanswered:
                raise
            except InfrastructureError:
                place.move(folder, record, NodeState.FAILED)  # there is none to be looked for
                raise
            place.write(folder, record)
            with steps.step(say, f"booting {record.name} in the cloud {line.cloud}", "its ssh server"):
                address, inner = self._address(client, record, say)
                node = self._entered(client, folder, record, address)
        with steps.step(say, f"preparing {record.name}", "what its image lacks"):
            self._furnish(node)
        node.settle(address=inner if record.set else "")
        return node

    def _address(self, client: clouds.Client, record: place.Record, say: Say) -> tuple[str, str]:
        """Where the server is reached, by us and by others of its network."""
        limit, began, told = _MADE * self.patience, time.monotonic(), 0.0
        server: clouds.Server | None = None
        while (waited := time.monotonic() - began) < limit:
            stopping.check()
            server = _looked_at(client, record, server)
            if server.status == "ACTIVE" and (address := address_of(server.addresses)):
                return address, address_of(server.addresses, kind="fixed") or address
            if waited - told >= 15:
                told = waited
                say(f"booting {record.name}: {server.status.lower()}, {waited:.0f} s of at most {limit:.0f} s")
            time.sleep(_OFTEN)
        state = server.status if server is not None else ""
        if state == "ACTIVE":
            hint = "does `network` in labels.yaml name one that has a subnet?"
            raise DidNotBoot(f"the server of {record.name} got no address within {limit:.0f} s", hint=hint)
        hint = f"how is the cloud? openstack --os-cloud {client.name} server list"
        raise DidNotBoot(f"the server of {record.name} is {state or 'unknown'} after {limit:.0f} s", hint=hint)

    def _entered(self, client: clouds.Client, folder: Path, record: place.Record, address: str) -> connection.SshNode:
        line, looked = self.line, [0.0]

        def check(waited: float) -> None:
            if waited - looked[0] >= _LOOK:
                looked[0] = waited
                _looked_at(client, record, None)

        where = f"{address}, port {line.port}"
        key = str(folder / "key")
        connection.way_to(
            folder, record.name, connection.Way(address, line.port, seed.USER, key), "\n IdentityAgent none"
        )
        node = connection.SshNode(folder, record)
        try:
            connection.wait_for_banner(line.port, _ANSWER * self.patience, check, address)
        except TimeoutError as error:
            hint = f"do the security groups let this machine in to {where}? is the network reached from here?"
            brief = f"the server of {record.name} runs, and does not answer: {error}"
            raise DidNotBoot(brief, details=client.console(record.server), hint=hint) from None
        until = time.monotonic() + _ENTRY * self.patience
        while True:
            try:
                node.connect(_ANSWER)
                return node
            except InfrastructureError as error:
                if time.monotonic() < until:  # it may still be setting up who may come in
                    time.sleep(_OFTEN)
                    continue
                hint = "has the image cloud-init? that sets up the server's user and host key"
                details = "\n".join(filter(None, (error.details, client.console(record.server))))
                brief = f"the server of {record.name} answers at {where}, but lets nobody in"
                raise DidNotBoot(brief, details=details, hint=hint) from error

    def _furnish(self, node: connection.SshNode) -> None:
        said: list[str] = []
        script = ("sudo", "-n", "sh", "-c", guest.FURNISH, "sh", *guest.packages(self.family))
        try:
            status = node.run(script, directory="/", on_line=said.append, timeout=_FURNISH)
        except TimeoutError as error:
            raise InfrastructureError(f"preparing {node.name}: {error}", details="\n".join(said[-8:])) from error
        if status != 0:
            hint = f"the image {self.line.image} is quicker, and needs no package source, when it has them already"
            brief = f"what the image of {node.name} lacks could not be installed"
            raise InfrastructureError(brief, details="\n".join(said[-8:]), hint=hint)


def _looked_at(client: clouds.Client, record: place.Record, before: clouds.Server | None) -> clouds.Server:
    """The server as it is, or as it was while the cloud does not answer. :raises DidNotBoot: it came to nothing."""
    try:
        server = client.server(record.server)
    except clouds.Unanswered:
        return before or clouds.Server(record.server, record.name, "", {})
    if server is None:
        raise DidNotBoot(f"the server of {record.name} was deleted by somebody else")
    if server.status in ("ERROR", "DELETED", "SOFT_DELETED", "SHUTOFF", "SUSPENDED", "PAUSED"):
        details = "\n".join(filter(None, (server.fault, client.console(record.server))))
        hint = "that is the cloud's own failure: its administrator knows more"
        raise DidNotBoot(f"the server of {record.name} came to nothing: {server.status}", details=details, hint=hint)
    return server


def address_of(addresses: Mapping[str, Sequence[Mapping[str, object]]], kind: str = "") -> str:
    """Where a server is reached: at a floating address before others, by IPv4 before IPv6; empty: nowhere yet.

    :param kind: only at one of that kind, ``fixed`` or ``floating``.
    """
    found = [
        (one.get("OS-EXT-IPS:type") != "floating", one.get("version") != 4, str(one.get("addr") or ""))
        for each in addresses.values()
        for one in each
        if kind in ("", one.get("OS-EXT-IPS:type", "fixed"))
    ]
    return min((one for one in found if one[2]), key=lambda one: one[:2], default=(False, False, ""))[2]
