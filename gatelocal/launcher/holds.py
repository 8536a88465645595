"""Nodes that outlive the command that launched them: find, keep longer and return them; it launches none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gatelocal.errors import InputError
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

    :raises InputError: there is none, or there are several.
    """
    kept = held(runtime)
    if not name:
        if not kept:
            raise InputError("no node is held", hint="`gatelocal run --hold` keeps that of the job that fails")
        return kept[-1]
    of_run = [record for record in kept if record.occasion is not None and record.occasion.run.startswith(name)]
    return of_run[0] if len(of_run) == 1 and not _named(kept, name) else _one(kept, name, "held node or run")


def shell_argv(runtime: Path, name: str) -> tuple[str, ...]:
    """The command line that gives a person a shell on a node. :raises InputError: there is no such node."""
    record = _one(nodes(runtime), name)
    give = local.shell_argv if record.kind == "local" else connection.shell_argv
    return give(runtime / record.name, record.home or str(runtime / record.name / "home"))


def extend(runtime: Path, name: str, now: float, seconds: float) -> place.Record:
    """Keep a held node for that long from now on. :raises InputError: there is no such node."""
    found = meant(runtime, name)
    longer = replace(found, until=now + seconds)
    place.write(runtime / found.name, longer)
    return longer


def give_back(runtime: Path, name: str) -> str:
    """Return a node and give its full name. :raises InputError: there is no such node."""
    record = _one(nodes(runtime), name)
    sweeper.remove(runtime / record.name)
    return record.name


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
