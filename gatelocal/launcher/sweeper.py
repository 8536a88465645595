"""Takes nodes away: one that is returned, those whose owner died, and held ones whose time or room is over.

Run as a program (``python -m gatelocal.launcher.sweeper FOLDER``) it is the guard of one node: it waits until the
node's owner is gone, however that ended, and returns the node, a held one when its time is over. One that somebody
is in stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gatelocal import process
from gatelocal.launcher import place, settings
from gatelocal.launcher.lifecycle import NodeState, beyond, is_abandoned, is_expired
from gatelocal.ports import Say

MARK = "GATELOCAL_NODE"
"""The variable that marks every process of a node that is no machine of its own."""

_GONE = ".gone-"
_LOOK = 5.0  # seconds between two looks at a held node


def remove(folder: Path) -> None:
    """Stop all that runs for a node and delete its folder. Twice, or by two at a time, is harmless."""
    record = place.read(folder)
    if record is not None:
        _stop(record)
    elif _named_like_a_node(folder):
        _stop_unrecorded(folder.name)
    grave = folder.with_name(f"{_GONE}{folder.name}-{os.getpid()}")
    try:
        folder.rename(grave)
    except FileNotFoundError:
        return
    shutil.rmtree(grave, ignore_errors=True)


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
            say(f"removing the node {record.name}: the command that launched it is gone")
            remove(folder)
        elif record is not None and _is_over(folder, record):
            say(f"returning the held node {record.name}: its time is over")
            remove(folder)
    _make_room(runtime, settings.terms().space, say)


def _is_over(folder: Path, record: place.Record) -> bool:
    return is_expired(record.state, record.until, time.time()) and not place.is_entered(folder)


def _make_room(runtime: Path, space: int, say: Say) -> None:
    """Return the oldest held nodes, if all of them use more than `space` bytes of disk."""
    read = ((folder, place.read(folder)) for folder in place.folders(runtime))
    held = [(folder, record) for folder, record in read if record is not None and record.state is NodeState.HELD]
    if len(held) < 2:
        return
    known = [(record.since, place.used(folder), folder.name) for folder, record in held]
    for name in beyond(known, space, [folder.name for folder, _ in held if place.is_entered(folder)]):
        say(f"returning the held node {name}: held nodes use more than {space / (1 << 30):.1f} GiB of disk")
        remove(runtime / name)


def _named_like_a_node(folder: Path) -> bool:
    return re.fullmatch(r"[^.].*-[0-9a-f]{8}", folder.name) is not None


def guard_argv(folder: Path) -> tuple[str, ...]:
    """The command line of a node's guard."""
    return (sys.executable, "-m", "gatelocal.launcher.sweeper", str(folder))


def _stop(record: place.Record) -> None:
    for each in reversed(record.processes):
        if each.pid != os.getpid() and place.is_alive(each):
            process.stop_by_pid(each.pid, grace=0)
    stop_marked(record.name)
    _wait(lambda: not any(place.is_alive(each) for each in record.processes if each.pid != os.getpid()))
    for path in record.cgroups:
        remove_group(Path(path))


def _stop_unrecorded(name: str) -> None:
    """Stop what carries a node's mark, where nothing else is known of it."""
    stop_marked(name)
    for path in Path("/sys/fs/cgroup").rglob(f"gatelocal-{name}"):
        remove_group(path)


def stop_marked(name: str) -> None:
    """Kill every process that carries the mark of that node and wait until none is left.

    A look at all processes may miss one that is just being started or replaced by another program; so two looks
    in a row, with a pause between them, have to find nothing.
    """
    clean = 0

    def is_clean() -> bool:
        nonlocal clean
        clean = 0 if _kill_marked(name) else clean + 1
        return clean == 2

    _wait(is_clean)


def _kill_marked(name: str) -> bool:
    """Whether there was one."""
    mark = f"{MARK}={name}\0".encode()
    found = False
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes() + b"\0" and int(folder.name) != os.getpid():
                found = True
                os.kill(int(folder.name), signal.SIGKILL)
    return found


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


def _guard(folder: Path) -> None:
    record = place.read(folder)
    if record is None:
        return
    _wait_for_end(record.owner, folder)
    while (record := place.read(folder)) is not None:
        if is_abandoned(record.state, owner_alive=False) or _is_over(folder, record):
            remove(folder)
            return
        time.sleep(_LOOK)


def _wait_for_end(owner: place.ProcessName, folder: Path) -> None:
    try:
        handle = os.pidfd_open(owner.pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    while place.is_alive(owner) and folder.exists():
        poll.poll(2000)
    os.close(handle)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
