"""A private network between the nodes of one job: a switch in a namespace of its own, with nothing else plugged in.

It has no way out and touches none of this machine's network; it ends with the process that keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import place, sweeper

INTERFACE = "lan0"
_SWITCH = "switch"
_PREFIX, _FIRST, _BITS = "172.31.231.", 11, 24
MOST = 200
"""Nodes of one network."""
_PATIENCE = 20.0
_HINT = "several nodes of one job need a kernel with bridges and pairs of virtual interfaces (bridge, veth)"

_UP = f"ip link add {_SWITCH} type bridge && ip link set {_SWITCH} up && echo up && exec sleep infinity"

# Lays a cable from the network of the process $1 to that of the switch's process $2, as port $3, with the
# address $4, if any.
_PLUG = f"""
set -eu
nsenter --net --target "$1" ip link add {INTERFACE} type veth peer name "port$3" netns "$2"
nsenter --net --target "$2" ip link set "port$3" master {_SWITCH} up
[ -z "$4" ] || nsenter --net --target "$1" ip address add "$4/{_BITS}" brd + dev {INTERFACE}
nsenter --net --target "$1" ip link set {INTERFACE} up
"""


@dataclass(frozen=True, slots=True)
class Port:
    """Where one node is plugged in. :ivar switch: the process that keeps the network. :ivar hosts: address → names."""

    number: int
    switch: int
    hosts: Mapping[str, Sequence[str]]

    @property
    def address(self) -> str:
        """The node's own."""
        return address(self.number)

    @property
    def network(self) -> str:
        """The same with the length of the network's prefix."""
        return f"{self.address}/{_BITS}"


def address(number: int) -> str:
    """The address of the node of that number, from 0."""
    return f"{_PREFIX}{_FIRST + number}"


def start(folder: Path, record: place.Record) -> tuple[int, place.Record]:
    """Start a network that is returned with the node of that folder; its process.

    :raises InfrastructureError: this machine does not allow it.
    """
    log, mark = folder / "lan.log", {sweeper.MARK: record.name}
    child = process.spawn(("unshare", "--net", "sh", "-c", _UP), log=log, cwd=folder, environment=mark, outlive=True)
    record = place.note_process(folder, record, child.pid)
    deadline = time.monotonic() + _PATIENCE
    while not log.read_text(errors="replace").startswith("up"):
        if child.ended() is not None or time.monotonic() > deadline:
            raise InfrastructureError("the nodes' own network did not start", details=child.last_words(), hint=_HINT)
        time.sleep(0.01)
    return child.pid, record


def plug(port: Port, inner: int, *, bare: bool = False) -> None:
    """Plug the network of the process `inner` in. :raises InfrastructureError: it cannot be done.

    :param bare: without an address there, which is somebody else's.
    """
    words = (str(inner), str(port.switch), str(port.number), "" if bare else port.address)
    try:
        process.run(("sh", "-c", _PLUG, "sh", *words), timeout=_PATIENCE)
    except (process.ProgramFailed, TimeoutError) as error:
        details = getattr(error, "details", str(error))
        raise InfrastructureError(
            "a node was not plugged into its job's network", details=details, hint=_HINT
        ) from None
