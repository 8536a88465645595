"""A network of a node's own: a namespace whose only way out is user-mode translation, and one loopback port in.

It changes nothing of this machine's network or firewall, and keeps this machine's loopback services out of reach.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, place, sweeper, trials

ADDRESS, RESOLVER = "10.0.2.100", "10.0.2.3"
_HINT = "try again, or choose another kind of node (--node qemu, nspawn or local)"
_PATIENCE = 60.0


def why_not() -> str:
    """Why a node can have no network of its own here; empty when it can."""
    try:
        for program in ("slirp4netns", "unshare", "ip"):
            process.find(program)
    except process.ProgramMissing as missing:
        return missing.brief
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun cannot be opened"
    return "" if trials.spaces() else "this machine allows no namespaces"


def start(
    folder: Path, record: place.Record, argv: Sequence[str], environment: dict[str, str] | None = None
) -> tuple[process.Child, place.Record]:
    """Start a program in namespaces of its own; killing the child ends all that it started and frees its mounts.

    :raises InfrastructureError: this machine does not allow that.
    """
    spaces = trials.spaces()
    if spaces is None:
        raise InfrastructureError("namespaces of the node's own are not allowed here", hint=_HINT)
    child = process.spawn(
        (*spaces, *argv),
        log=folder / "console.log",
        cwd=folder,
        environment={**(environment or {}), sweeper.MARK: record.name},
        outlive=True,
    )
    record = place.note_process(folder, record, child.pid)
    inner = _inner_pid(child)
    first = place.name_of(inner)
    if first is not None:
        record = replace(record, processes=(*record.processes, first), inner=inner)
        place.write(folder, record)
    return child, record


def connect(folder: Path, record: place.Record, inner: int, port: int) -> tuple[int, place.Record]:
    """Give the namespaces of the process `inner` a network.

    :param port: where something listens in there.
    :returns: the port of 127.0.0.1 on this machine that leads there.
    """
    argv = ("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--api-socket=network")
    mark = {sweeper.MARK: record.name}
    log = folder / "network.log"
    child = process.spawn((*argv, str(inner), "tap0"), log=log, cwd=folder, environment=mark, outlive=True)
    record = place.note_process(folder, record, child.pid)
    deadline = time.monotonic() + _PATIENCE
    while not (folder / "network").exists():
        if child.ended() is not None or time.monotonic() > deadline:
            raise InfrastructureError("the node's network did not start", details=child.last_words(), hint=_HINT)
        time.sleep(0.01)
    for _ in range(10):
        outside = connection.free_port()
        answer = _ask(folder, outside, port)
        if "error" not in answer:
            return outside, record
    said = json.dumps(answer.get("error"))
    raise InfrastructureError("no loopback port could be led to the node", details=said, hint=_HINT)


def _ask(folder: Path, outside: int, inside: int) -> dict[str, object]:
    """One request on slirp4netns's socket, named by its folder's handle: its own path may be too long for that."""
    forward = {"proto": "tcp", "host_addr": "127.0.0.1", "host_port": outside}
    request = {"execute": "add_hostfwd", "arguments": forward | {"guest_addr": ADDRESS, "guest_port": inside}}
    handle = os.open(folder, os.O_DIRECTORY | os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_PATIENCE)
            _reach(link, f"/proc/self/fd/{handle}/network")
            link.sendall(json.dumps(request).encode())
            link.shutdown(socket.SHUT_WR)
            answer = json.loads(link.recv(4096))
            return answer if isinstance(answer, dict) else {"error": answer}
    finally:
        os.close(handle)


def _reach(link: socket.socket, path: str) -> None:
    """Connect to a socket whose file is there, but which may not listen yet."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            link.connect(path)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise InfrastructureError("the node's network does not answer", hint=_HINT) from None
            time.sleep(0.01)
        else:
            return


def _inner_pid(child: process.Child) -> int:
    """The first process in the new namespaces, once it is there."""
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and child.ended() is None:
        found = children.read_text().split() if children.exists() else []
        if found:
            return int(found[0])
        time.sleep(0.005)
    said = child.last_words()
    raise InfrastructureError("namespaces of the node's own are not allowed here", details=said, hint=_HINT)
