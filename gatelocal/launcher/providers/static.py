"""Nodes that are machines of the user's, reached by ssh, one job at a time; nothing is built or booted here.

A job gets a folder of its own as its home, which is removed afterwards with what still runs. What else it has changed
stays, unless the table names a program that makes the machine as new, which is run before each job.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from gatelocal import process, stopping
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, place, steps
from gatelocal.launcher.lifecycle import NodeState, is_abandoned
from gatelocal.lock import held
from gatelocal.model.label import Host
from gatelocal.ports import Say

KIND = "host (ssh)"
_LOCK = "hosts.lock"
_LOOK = 1.0  # seconds between two looks whether a host is free
_ANSWER, _AFTER_WIPE, _WIPE = 20.0, 1800.0, 4 * 3600.0
_HOME = 'umask 022; cd && mkdir -- "$1" && cd -- "$1" && pwd'


def lease(runtime: Path, wanted: Sequence[tuple[str, Sequence[Host]]], say: Say) -> list[tuple[Path, place.Record]]:
    """Folders of nodes that have one host each, all of them or none; waits until as many are free.

    The lease is the node's own record: it ends with the node. No two processes look at the same time.

    :param wanted: labels, each with the hosts that have it. :raises InfrastructureError: the table has too few.
    """
    choices = [hosts for _, hosts in wanted]
    if _chosen(choices, frozenset()) is None:
        lacking = next((label for label, hosts in wanted if not hosts), "")
        what = f"the label {lacking}" if lacking else ", ".join(label for label, _ in wanted)
        hint = "labels.yaml in the configuration's folder names them under `hosts`"
        raise InfrastructureError(f"there are too few hosts of yours for {what}", hint=hint)
    runtime.mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        with held(runtime.with_name(_LOCK), "the table of hosts", 60.0, say):
            hosts = _chosen(choices, _leased(runtime))
            if hosts is not None:
                return [_taken(runtime, host) for host in hosts]
        if not told:
            say("waiting for a host: " + ", ".join(sorted(_leased(runtime))) + " in use")
        told = True
        stopping.check()
        time.sleep(_LOOK)


def _chosen(choices: Sequence[Sequence[Host]], busy: AbstractSet[str]) -> list[Host] | None:
    """A host for each, no two the same; None: there are not enough."""
    if not choices:
        return []
    for host in choices[0]:
        if host.name not in busy and (rest := _chosen(choices[1:], busy | {host.name})) is not None:
            return [host, *rest]
    return None


def _leased(runtime: Path) -> frozenset[str]:
    records = (place.read(folder) for folder in place.folders(runtime))
    return frozenset(
        one.host for one in records if one and one.host and not is_abandoned(one.state, place.is_alive(one.owner))
    )


def _taken(runtime: Path, host: Host) -> tuple[Path, place.Record]:
    folder, record = place.create(runtime, "static", re.sub("[^A-Za-z0-9.]", "-", host.address))
    record = replace(record, host=host.name, disposable=bool(host.wipe))
    place.write(folder, record)
    return folder, record


def launch(host: Host, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
    """Make the leased host ready.

    :raises InfrastructureError: it does not answer, lets nobody in, or cannot be made as new.
    """
    state = "made as new for the job" if host.wipe else "as the job before has left it"
    record = replace(record, description=f"{KIND} {host.name}, {state}")
    record = place.move(folder, record, NodeState.BOOTING)
    if host.wipe:
        with steps.step(say, f"making the host {host.name} as new", Path(host.wipe[0]).name):
            _wipe(host)
    with steps.step(say, f"reaching the host {host.name}", "its ssh server"):
        return _reached(host, folder, record)


def _wipe(host: Host) -> None:
    try:
        process.run(host.wipe, timeout=_WIPE)
    except (InfrastructureError, TimeoutError, OSError) as error:
        raise InfrastructureError(
            f"the host {host.name} could not be made as new: {getattr(error, 'brief', error)}",
            details=getattr(error, "details", ""),
            hint=f"what labels.yaml gives as its `wipe` has to end with status 0: {host.wipe[0]}",
        ) from error


def _reached(host: Host, folder: Path, record: place.Record) -> connection.SshNode:
    hint = f"does this work: ssh -p {host.port} {host.user}@{host.address}? labels.yaml says how it is reached"
    try:
        seconds = _AFTER_WIPE if host.wipe else _ANSWER
        connection.wait_for_banner(host.port, seconds, lambda waited: None, host.address)
    except TimeoutError as error:
        raise InfrastructureError(f"the host {host.name} does not answer: {error}", hint=hint) from None
    (folder / "known_hosts").write_text(f"{record.name} {host.host_key}\n")
    connection.way_to(folder, record.name, connection.Way(host.address, host.port, host.user, host.key))
    node = connection.SshNode(folder, record)
    try:
        node.connect(_ANSWER)
    except InfrastructureError as error:
        why = f"the host {host.name} answers, but lets nobody in"
        raise InfrastructureError(why, details=error.details, hint=f"{hint} (`user`, `key`, `host-key`)") from error
    said: list[str] = []
    words = ("sh", "-c", _HOME, "sh", f"gatelocal-{record.name}")
    if node.run(words, directory="/", on_line=said.append, timeout=_ANSWER) != 0 or not said or said[-1][:1] != "/":
        what = f"the host {host.name} has no home for a job"
        raise InfrastructureError(what, details="\n".join(said[-5:]), hint="is its disk full?")
    home = said[-1]
    node.settle(home=home, variables={"HOME": home}, farewell=connection.farewell_argv(folder, home))
    return node
