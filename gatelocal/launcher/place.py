"""A node's folder and the record in it: who owns the node, what runs for it, how it is reached.

All state of a node is below this one folder (mode 0700), so that removing it removes the node; it starts nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from gatelocal.errors import InfrastructureError
from gatelocal.launcher.lifecycle import NodeState, may_follow
from gatelocal.model.hold import Invocation, Occasion

T = TypeVar("T")

_RECORD, _ENTERED = "node.json", "entered"
NEW = ".new-"
"""Before the name of a node's folder that is being made: with the process that makes it."""
DISK = "disk"
"""The file in a node's folder that holds what was changed on its disk."""
SCRATCH = "gatelocal-"
"""The like before the names of temporary folders."""


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
    :ivar inner: of those, the id of the first in the node's namespaces; 0: it has none.
    :ivar cgroups: absolute paths of control groups made for it.
    :ivar disk: bytes that the file :data:`DISK` in the folder may grow to; 0: there is none, or no limit.
    :ivar trees: of a container: paths of what lies under its own changes, the uppermost first.
    :ivar first: of a container: the first of its users on this machine; 0: it has none of its own.
    :ivar notes: see :attr:`gatelocal.ports.Node.notes`.
    :ivar description: see :attr:`gatelocal.ports.Node.description`. :ivar home: see :attr:`gatelocal.ports.Node.home`.
    :ivar since: when it was held, in seconds since the epoch. :ivar until: when it goes even so; 0: never.
    :ivar occasion: why it is held; None: it is not, or an earlier version did it.
    :ivar set: the name of the first node of its nodeset, where that has several; they are kept and returned together.
    :ivar names: what its job calls it. :ivar address: where the others of its nodeset reach it.
    :ivar host: of a machine that was there before: its name in the user's table.
    :ivar cloud: of a server of a cloud: the cloud's name. :ivar gate: the name that the server carries as its gate's.
    :ivar server: its id; empty: the cloud has not told it.
    :ivar disposable: see :attr:`gatelocal.ports.Node.disposable`.
    :ivar farewell: the command line that is run when it is returned, in its folder.
    :ivar variables: all that programs get there, where the node is no machine of its own.
    """

    name: str
    kind: str
    label: str
    owner: ProcessName
    state: NodeState = NodeState.REQUESTED
    processes: tuple[ProcessName, ...] = ()
    inner: int = 0
    cgroups: tuple[str, ...] = ()
    description: str = ""
    home: str = ""
    notes: tuple[str, ...] = ()
    disk: int = 0
    trees: tuple[str, ...] = ()
    first: int = 0
    since: float = 0.0
    until: float = 0.0
    occasion: Occasion | None = None
    set: str = ""
    names: tuple[str, ...] = ()
    address: str = ""
    host: str = ""
    cloud: str = ""
    gate: str = ""
    server: str = ""
    disposable: bool = True
    farewell: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


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
    """Make the folder of a new node of this process; the name is unique on this machine.

    It appears under its name with the record in it: one without is damaged, and nobody's.
    """
    runtime.mkdir(parents=True, exist_ok=True)
    owner = this_process()
    name = f"{label}-{secrets.token_hex(4)}"
    fresh = runtime / f"{NEW}{owner.pid}.{owner.started}-{name}"
    fresh.mkdir(mode=0o700)
    record = Record(name, kind, label, owner)
    write(fresh, record)
    return fresh.rename(runtime / name), record


def this_process() -> ProcessName:
    """The name of this process. :raises InfrastructureError: there is no /proc."""
    owner = name_of(os.getpid())
    if owner is None:
        raise InfrastructureError("/proc does not show this process", hint="mount -t proc proc /proc")
    return owner


def made_by(name: str, prefix: str) -> ProcessName | None:
    """Who made a folder of such a name (``PREFIXpid.started-...``); None when it is no such name."""
    found = re.match(rf"{re.escape(prefix)}([0-9]+)\.([0-9]+)-", name)
    return ProcessName(int(found[1]), int(found[2])) if found else None


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, locked; it is found and removed later when this process is killed in the block."""
    owner = this_process()
    prefix = f"{SCRATCH}{owner.pid}.{owner.started}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder, locked(Path(folder)):
        yield Path(folder)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a folder's or file's lock. :raises BlockingIOError: another has it, perhaps in another container."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def write(folder: Path, record: Record) -> None:
    """Replace the record in one step."""
    data = asdict(record) | {"state": record.state.value}
    fresh = folder / f".{_RECORD}.{secrets.token_hex(3)}"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(data, indent=1))
    fresh.replace(folder / _RECORD)


def read(folder: Path) -> Record | None:
    """The record in a node's folder; None when there is none to be read. What another version added is passed over."""
    try:
        data = json.loads((folder / _RECORD).read_text())
        return _known(
            Record,
            data,
            owner=ProcessName(**data["owner"]),
            state=NodeState(data["state"]),
            processes=tuple(ProcessName(**each) for each in data["processes"]),
            cgroups=tuple(data["cgroups"]),
            occasion=_occasion(data.get("occasion")),
            notes=tuple(data.get("notes", ())),
            trees=tuple(data.get("trees", ())),
            names=tuple(data.get("names", ())),
            farewell=tuple(data.get("farewell", ())),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _known(kind: type[T], data: Mapping[str, Any], **read: object) -> T:
    """A record of what is known of its fields here. :param read: those that are no plain values."""
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in names} | read)


def _occasion(data: Mapping[str, Any] | None) -> Occasion | None:
    if data is None:
        return None
    told = data["invocation"]
    return _known(
        Occasion, data, invocation=told and _known(Invocation, told, argv=tuple(str(word) for word in told["argv"]))
    )


def move(folder: Path, record: Record, state: NodeState) -> Record:
    """Take the node to its next state. :raises ValueError: no node goes that way."""
    if not may_follow(record.state, state):
        raise ValueError(f"a node that is {record.state.value} does not become {state.value}")
    moved = replace(record, state=state)
    write(folder, moved)
    return moved


def hold(folder: Path, record: Record, occasion: Occasion, now: float, seconds: float) -> Record:
    """Keep the node for that long. :param now: seconds since the epoch."""
    return move(folder, replace(record, occasion=occasion, since=now, until=now + seconds), NodeState.HELD)


@contextlib.contextmanager
def entered(folder: Path) -> Iterator[None]:
    """Tell others for the block that somebody is in the node."""
    handle = os.open(folder / _ENTERED, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def is_entered(folder: Path) -> bool:
    """Whether somebody is in the node."""
    try:
        with locked(folder / _ENTERED):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def used(folder: Path) -> int:
    """The bytes of disk that a folder takes; a file of several names counts once, what a link leads to does not."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path, names, files in os.walk(folder):
        for name in (*names, *files):
            with contextlib.suppress(OSError):
                found = os.lstat(f"{path}/{name}")
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_blocks * 512
    return total


def note_process(folder: Path, record: Record, pid: int) -> Record:
    """Remember a process of the node's, to be stopped with it."""
    process = name_of(pid)
    if process is None:
        return record
    noted = replace(record, processes=(*record.processes, process))
    write(folder, noted)
    return noted


def members(runtime: Path, record: Record) -> tuple[Path, ...]:
    """The folders of a node and of all others of its nodeset that are there."""
    own = runtime / record.name
    if not record.set:
        return (own,)
    read_ = ((each, read(each)) for each in folders(runtime))
    return tuple(each for each, one in read_ if each == own or (one is not None and one.set == record.set))


def folders(runtime: Path) -> tuple[Path, ...]:
    """The folders of all nodes, by name."""
    with contextlib.suppress(FileNotFoundError):
        return tuple(sorted(each for each in runtime.iterdir() if each.is_dir()))
    return ()
