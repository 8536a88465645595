"""Takes nodes away: one that is returned, those whose owner died, and held ones whose time or room is over.

Run as a program (``python -m gatelocal.launcher.sweeper FOLDER PID STARTED``) it is the guard of one node, which
:mod:`gatelocal.launcher.guard` starts: when the node's owner, that process, is gone, however that ended, it returns
the node, a held one when its time is over. One that somebody is in stays.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal import process, stopping
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import capacity, clouds, guard, place, settings
from gatelocal.launcher.lifecycle import NodeState, beyond, is_abandoned, is_expired
from gatelocal.ports import Say

MARK = "GATELOCAL_NODE"
"""The variable that marks every process of a node that is no machine of its own; its guard is none of them."""

_GONE = ".gone-"
_FAREWELL = 60.0
_CGROUPS = "/sys/fs/cgroup"
_LOOK = 5.0  # seconds between two looks at a held node


def remove(folder: Path) -> str:
    """Stop all that runs for a node and delete its folder. Twice, or by two at a time, is harmless.

    The guard goes last: when its owner is killed within this, it does the rest.

    :returns: why it stays for now, to be removed by whoever tries next; empty: it is gone.
    """
    record = place.read(folder)
    last = record.processes[0] if record is not None and record.processes else None
    if record is not None:
        _stop(record, last)
        if record.cloud and (why_not := _given_back(folder, record)):
            return why_not
    elif _named_like_a_node(folder):
        _stop_unrecorded(folder.name)
    grave = folder.with_name(f"{_grave(folder)}{os.getpid()}")
    try:
        folder.rename(grave)
    except FileNotFoundError:
        return ""
    shutil.rmtree(grave, ignore_errors=True)
    if last is not None and last.pid != os.getpid() and place.is_alive(last):
        process.stop_by_pid(last.pid, grace=0)
    return ""


def _given_back(folder: Path, record: place.Record) -> str:
    """Why the cloud still has the node's server; empty: it has none."""
    try:
        clouds.give_back(record)
    except InfrastructureError as error:
        with contextlib.suppress(OSError):
            place.write(folder, replace(record, state=NodeState.RETURNED))
        return error.brief
    return ""


def _grave(folder: Path) -> str:
    """What the name of the folder begins with while it is being deleted; the process that does it stands behind."""
    return f"{_GONE}{folder.name}-"


def sweep(runtime: Path, say: Say) -> None:
    """Remove the nodes that nobody will return any more."""
    for folder in place.folders(runtime):
        maker = place.made_by(folder.name, place.NEW)
        if folder.name.startswith(_GONE) or (maker and not place.is_alive(maker)):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        record = place.read(folder)
        if record is None and folder.exists() and _named_like_a_node(folder):
            say(f"removing the node {folder.name}: its record cannot be read")
            remove(folder)
        elif record is not None and is_abandoned(record.state, place.is_alive(record.owner)):
            before = record.state is NodeState.RETURNED
            why = "that did not work before" if before else "the command that launched it is gone"
            say(f"removing the node {record.name}: {why}")
            if why_not := remove(folder):
                say(f"the node {record.name} stays: {why_not}")
        elif record is not None and _is_over(folder, record):
            say(f"returning the held node {record.name}: its time is over")
            remove(folder)
    terms = settings.terms()
    _make_room(runtime, Budget("disk", terms.space, lambda folder, record: place.used(folder)), say)
    memory = int(capacity.total() * (1 << 30) * terms.share)
    _make_room(runtime, Budget("memory", memory, lambda folder, record: capacity.taken(record)), say)


def _is_over(folder: Path, record: place.Record) -> bool:
    return is_expired(record.state, record.until, time.time()) and not _is_entered(folder.parent, record)


def _is_entered(runtime: Path, record: place.Record) -> bool:
    """Whether somebody is in the node, or in another one of its nodeset."""
    return any(map(place.is_entered, place.members(runtime, record)))


@dataclass(frozen=True, slots=True)
class Budget:
    """What all held nodes may use together. :ivar bytes: of it. :ivar used: by one."""

    what: str
    bytes: int
    used: Callable[[Path, place.Record], int]


def _make_room(runtime: Path, budget: Budget, say: Say) -> None:
    """Return the oldest held nodes, if all of them use more than there is for them; those of a nodeset together."""
    read = ((folder, place.read(folder)) for folder in place.folders(runtime))
    held: dict[str, list[tuple[Path, place.Record]]] = {}
    for folder, record in read:
        if record is not None and record.state is NodeState.HELD:
            held.setdefault(record.set or folder.name, []).append((folder, record))
    if len(held) < 2:
        return
    known = [
        (min(one.since for _, one in all_), sum(budget.used(*one) for one in all_), key) for key, all_ in held.items()
    ]
    for key in beyond(known, budget.bytes, [key for key, all_ in held.items() if _is_entered(runtime, all_[0][1])]):
        for folder, _ in held[key]:
            more = f"more than {budget.bytes / (1 << 30):.1f} GiB of {budget.what}"
            say(f"returning the held node {folder.name}: held nodes use {more}")
            remove(folder)


def _named_like_a_node(folder: Path) -> bool:
    return re.fullmatch(r"[^.].*-[0-9a-f]{8}", folder.name) is not None


def guard_argv(folder: Path, owner: place.ProcessName) -> tuple[str, ...]:
    """The command line of a node's guard."""
    return (sys.executable, "-I", "-S", guard.__file__, str(folder), str(owner.pid), str(owner.started))


def _stop(record: place.Record, last: place.ProcessName | None) -> None:
    ours = [each for each in record.processes if each.pid != os.getpid() and each != last]
    for each in reversed(ours):
        if place.is_alive(each):
            process.stop_by_pid(each.pid, grace=0)
    stop_marked(record.name)
    _wait(lambda: not any(place.is_alive(each) for each in ours))
    if record.farewell:
        with stopping.shielded(), contextlib.suppress(InfrastructureError, OSError, TimeoutError):
            process.run(record.farewell, timeout=_FAREWELL, check=False)
    # Whoever made them may have been killed before that was noted.
    found = map(Path, record.cgroups) if record.cgroups or record.kind != "nspawn" else _groups(record.name)
    for path in found:
        remove_group(path)


def _stop_unrecorded(name: str) -> None:
    """Stop what carries a node's mark, where nothing else is known of it."""
    stop_marked(name)
    for path in _groups(name):
        remove_group(path)


def groups_of_dead(prefix: str) -> list[Path]:
    """The control groups whose names say, behind the prefix, that a process made them that is gone."""
    named = [Path(folder, name) for folder, names, _ in os.walk(_CGROUPS) for name in names]
    makers = [(path, place.made_by(path.name, f"gatelocal-{prefix}")) for path in named]
    return [path for path, maker in makers if maker is not None and not place.is_alive(maker)]


def _groups(name: str) -> list[Path]:
    """The control groups that are called after a node."""
    wanted = f"gatelocal-{name}"
    return [Path(folder, wanted) for folder, names, _ in os.walk(_CGROUPS) if wanted in names]


def stop_marked(name: str) -> None:
    """Kill every process that carries the mark of that node, all in their sessions, and wait until none is left.

    Sessions: a tool (tox, sudo) may hand on no variable of ours to what it starts, which mostly stays in its session. A
    look at all processes may miss one that is just being started or replaced by another program; so two looks in a
    row, with a pause between them, have to find nothing.
    """
    clean, sessions = 0, set[int]()

    def is_clean() -> bool:
        nonlocal clean
        clean = 0 if _kill_marked(name, sessions) else clean + 1
        return clean == 2

    _wait(is_clean)


def _kill_marked(name: str, sessions: set[int]) -> bool:
    """Whether there was one. :param sessions: those that belong to the node; what is found is added."""
    mark = f"{MARK}={name}\0".encode()
    there = {int(folder.name) for folder in Path("/proc").glob("[0-9]*")} - {os.getpid()}
    marked = {pid for pid in there if mark in _environment(pid)}
    of = {pid: _session(pid) for pid in there}
    led = {of[pid] for pid in marked if of[pid] in marked or not of.get(of[pid])}  # by one of its own, or by nobody now
    sessions |= led - {0, os.getsid(0)}
    found = [pid for pid in there if pid in marked or of[pid] in sessions]
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _environment(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    return b""


def _session(pid: int) -> int:
    """The session of a process that has not ended; 0: it has, or is the kernel's."""
    with contextlib.suppress(OSError):
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
        return 0 if state in "ZX" else int(session)
    return 0


def remove_group(path: Path) -> None:
    """Remove a control group with all below it: the kernel lets go of one a moment after its last process."""
    _wait(lambda: _is_gone(path))


def _is_gone(path: Path) -> bool:
    for folder, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return not path.exists()


def _wait(done: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)


def _guard(folder: Path, owner: place.ProcessName) -> None:
    guard.wait(owner.pid, owner.started)
    for grave in folder.parent.glob(f"{glob.escape(_grave(folder))}*"):
        shutil.rmtree(grave, ignore_errors=True)
    while (record := place.read(folder)) is not None:
        if is_abandoned(record.state, owner_alive=False) or _is_over(folder, record):
            if why_not := remove(folder):
                sys.exit(why_not)  # who waits for us starts us again
            return
        time.sleep(_LOOK)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), place.ProcessName(int(sys.argv[2]), int(sys.argv[3])))
