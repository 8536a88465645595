"""Nodes that outlive the command that launched them: find, enter and return them; it launches none."""

from __future__ import annotations

from pathlib import Path

from gatelocal.errors import InputError
from gatelocal.launcher import connection, place, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.providers import local


def nodes(runtime: Path) -> tuple[place.Record, ...]:
    """The nodes that have folders below `runtime`, by name, whoever launched them."""
    read = ((folder.name, place.read(folder)) for folder in place.folders(runtime))
    return tuple(record for name, record in read if record is not None and record.name == name)


def held(runtime: Path) -> tuple[place.Record, ...]:
    """Those of them that are kept until somebody returns them."""
    return tuple(record for record in nodes(runtime) if record.state is NodeState.HELD)


def shell_argv(runtime: Path, name: str) -> tuple[str, ...]:
    """The command line that gives a person a shell on a node. :raises InputError: there is no such node."""
    record = _find(runtime, name)
    give = local.shell_argv if record.kind == "local" else connection.shell_argv
    return give(runtime / record.name, record.home or str(runtime / record.name / "home"))


def give_back(runtime: Path, name: str) -> str:
    """Return a node and give its full name. :raises InputError: there is no such node."""
    record = _find(runtime, name)
    sweeper.remove(runtime / record.name)
    return record.name


def _find(runtime: Path, name: str) -> place.Record:
    """The node of that name, or the only one whose name begins or ends so."""
    known = nodes(runtime)
    exact = [record for record in known if record.name == name]
    close = [record for record in known if name and (record.name.startswith(name) or record.name.endswith(name))]
    if len(exact or close) != 1:
        names = ", ".join(record.name for record in known) or "none"
        raise InputError(f"there is no single node {name}", hint=f"nodes: {names}")
    return (exact or close)[0]
