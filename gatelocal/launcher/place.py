"""A node's folder and the record in it: who owns the node, what runs for it, how it is reached.

All state of a node is below this one folder (mode 0700), so that removing it removes the node; it starts nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.launcher.lifecycle import NodeState, may_follow

_RECORD = "node.json"


@dataclass(frozen=True, slots=True)
class ProcessName:
    """A process that cannot be mistaken for a later one of the same id.

    :ivar started: the kernel's start time of the process in clock ticks since boot (proc(5), field 22 of stat).
    """

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one node.

    :ivar kind: the provider's name. :ivar owner: the process that launched it.
    :ivar processes: leaders of the process groups that run for it, in the order in which they were started.
    :ivar cgroups: absolute paths of control groups made for it.
    :ivar description: see :attr:`gatelocal.ports.Node.description`. :ivar home: see :attr:`gatelocal.ports.Node.home`.
    """

    name: str
    kind: str
    label: str
    owner: ProcessName
    state: NodeState = NodeState.REQUESTED
    processes: tuple[ProcessName, ...] = ()
    cgroups: tuple[str, ...] = ()
    description: str = ""
    home: str = ""


def name_of(pid: int) -> ProcessName | None:
    """The process of that id as it is now; None when it has ended (also when nobody has waited for it yet)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in ("Z", "X") else ProcessName(pid, int(fields[19]))


def is_alive(process: ProcessName) -> bool:
    """Whether that very process still runs."""
    return name_of(process.pid) == process


def create(runtime: Path, kind: str, label: str) -> tuple[Path, Record]:
    """Make the folder of a new node of this process; the name is unique on this machine."""
    runtime.mkdir(parents=True, exist_ok=True)
    name = f"{label}-{secrets.token_hex(4)}"
    folder = runtime / name
    folder.mkdir(mode=0o700)
    owner = name_of(os.getpid())
    if owner is None:
        raise InfrastructureError("/proc does not show this process", hint="mount /proc")
    record = Record(name, kind, label, owner)
    write(folder, record)
    return folder, record


def write(folder: Path, record: Record) -> None:
    """Replace the record in one step."""
    data = asdict(record) | {"state": record.state.value}
    fresh = folder / f".{_RECORD}.{secrets.token_hex(3)}"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(data, indent=1))
    fresh.replace(folder / _RECORD)


def read(folder: Path) -> Record | None:
    """The record in a node's folder; None when there is none to be read."""
    try:
        data = json.loads((folder / _RECORD).read_text())
        return Record(
            **data
            | {
                "owner": ProcessName(**data["owner"]),
                "state": NodeState(data["state"]),
                "processes": tuple(ProcessName(**each) for each in data["processes"]),
                "cgroups": tuple(data["cgroups"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def move(folder: Path, record: Record, state: NodeState) -> Record:
    """Take the node to its next state. :raises ValueError: no node goes that way."""
    if not may_follow(record.state, state):
        raise ValueError(f"a node that is {record.state.value} does not become {state.value}")
    moved = replace(record, state=state)
    write(folder, moved)
    return moved


def note_process(folder: Path, record: Record, pid: int) -> Record:
    """Remember a process of the node's, to be stopped with it."""
    process = name_of(pid)
    if process is None:
        return record
    noted = replace(record, processes=(*record.processes, process))
    write(folder, noted)
    return noted


def folders(runtime: Path) -> tuple[Path, ...]:
    """The folders of all nodes, by name."""
    with contextlib.suppress(FileNotFoundError):
        return tuple(sorted(each for each in runtime.iterdir() if each.is_dir()))
    return ()
