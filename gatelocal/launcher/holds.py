"""Nodes that outlive the command that launched them: find, keep longer and return them; it launches none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import connection, place, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.providers import local
from gatelocal.model.text import visible


def nodes(runtime: Path) -> tuple[place.Record, ...]:
    """The nodes that have folders below `runtime`, by name, whoever launched them."""
    read = ((folder.name, place.read(folder)) for folder in place.folders(runtime))
    return tuple(record for name, record in read if record is not None and record.name == name)


def held(runtime: Path) -> tuple[place.Record, ...]:
    """Those of them that are kept until somebody returns them, the oldest first."""
    kept = (record for record in nodes(runtime) if record.state is NodeState.HELD)
    return tuple(sorted(kept, key=lambda record: (record.since, record.name)))


def meant(runtime: Path, name: str) -> place.Record:
    """The held node that somebody means: by its own name or its run's, whole or in part; empty: the latest one.

    Of a nodeset it is the first, where its run is named, or nothing.

    :raises InputError: there is none, or there are several.
    """
    kept = held(runtime)
    firsts = [record for record in kept if record.set in ("", record.name)]
    if not name:
        if not firsts:
            raise InputError("no node is held", hint="`gatelocal run --hold` keeps that of the job that fails")
        return firsts[-1]
    of_run = [record for record in firsts if record.occasion is not None and record.occasion.run.startswith(name)]
    return of_run[0] if len(of_run) == 1 and not _named(kept, name) else _one(kept, name, "held node or run")


def shell_argv(runtime: Path, name: str) -> tuple[str, ...]:
    """The command line that gives a person a shell on a node. :raises InputError: there is no such node."""
    record = _one(nodes(runtime), name)
    give = local.shell_argv if record.kind == "local" else connection.shell_argv
    return give(runtime / record.name, record.home or str(runtime / record.name / "home"))


def extend(runtime: Path, name: str, now: float, seconds: float) -> place.Record:
    """Keep a held node, with its nodeset, for that long from now on. :raises InputError: there is no such node."""
    found = meant(runtime, name)
    for folder in place.members(runtime, found):
        record = place.read(folder)
        if record is not None:
            place.write(folder, replace(record, until=now + seconds))
    return replace(found, until=now + seconds)


def give_back(runtime: Path, *names: str) -> tuple[str, ...]:
    """Return nodes with all of their nodesets, and give their full names. :raises InputError: one is not there."""
    records = [_one(nodes(runtime), name) for name in names]
    folders = dict.fromkeys(folder for record in records for folder in place.members(runtime, record))
    stay = {folder.name: why_not for folder in folders if (why_not := sweeper.remove(folder))}
    for name, why_not in stay.items():
        hint = "that is tried again with the next node, or when you say so"
        raise InfrastructureError(f"the node {name} could not be returned: {why_not}", hint=hint)
    return tuple(folder.name for folder in folders)


def _named(known: Iterable[place.Record], name: str) -> list[place.Record]:
    """The node of that name, or those whose names begin or end so."""
    close = [record for record in known if name and (record.name.startswith(name) or record.name.endswith(name))]
    return [record for record in close if record.name == name] or close


def _one(known: tuple[place.Record, ...], name: str, what: str = "node") -> place.Record:
    found = _named(known, name)
    if len(found) != 1:
        names = ", ".join(record.name for record in known) or "none"
        raise InputError(f"there is no single {what} {visible(name)}", hint=f"nodes: {names}")
    return found[0]
