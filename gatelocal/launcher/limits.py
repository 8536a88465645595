"""How much of this machine a node may take: memory, tasks, disk; it looks at what there is and enforces nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import capacity, place
from gatelocal.model.label import Size

TASKS = 4096
"""Processes and threads: many times what jobs have, and far from what a kernel can carry."""
_GIB = 1 << 30
_CONTAINER_MEMORY = 8 * _GIB  # the usual node of the field; what a container does not use costs nothing
_LEAST_MEMORY, _LEAST_DISK = _GIB, _GIB
_NOTHING = _GIB // 2
"""Bytes of free memory with which no node is begun: it would end in the middle of its job, or this machine's programs
would."""
_RESERVE = _GIB
"""Bytes of the disk that no node is given."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes, but for tasks."""

    memory: int
    disk: int
    tasks: int = TASKS


def of_container(size: Size, runtime: Path, meminfo: Path = Path("/proc/meminfo")) -> Limits:
    """What a container of that size may take: at most three quarters of the memory that is free now.

    :raises InfrastructureError: the disk is full, or the memory.
    """
    memory = max(min(max(size.memory << 20, _CONTAINER_MEMORY), _free(meminfo)), _LEAST_MEMORY)
    return Limits(memory, disk(size, runtime))


def of_machine(size: Size, meminfo: Path = Path("/proc/meminfo")) -> Size:
    """What a virtual machine of that size can have here: no more processors than there are, nor memory than is free.

    :raises InfrastructureError: there is as good as none.
    """
    memory = max(min(size.memory, _free(meminfo) >> 20), _LEAST_MEMORY >> 20)
    return replace(size, cpus=min(size.cpus, max(capacity.cores(), 2)), memory=memory)


def _free(meminfo: Path) -> int:
    """Bytes of memory for one more node."""
    free = int(capacity.memory(meminfo) * _GIB)
    if free < _NOTHING:
        raise InfrastructureError(
            "there is no memory for a node",
            details=f"{free >> 20} MiB are free",
            hint="return what is held (gatelocal hold list), run fewer builds at once (-w), or end other programs",
        )
    return free * 3 // 4


def disk(size: Size, runtime: Path) -> int:
    """Bytes of disk for one more node, so that it can never fill this machine's.

    It is at most half of what is free and not promised to others; where much is promised, which few nodes take, it is a
    quarter of what is free.

    :param runtime: the folder of nodes. :raises InfrastructureError: there is too little.
    """
    found = os.statvfs(runtime)
    free = found.f_bavail * found.f_frsize - _RESERVE
    if free < _LEAST_DISK:
        raise InfrastructureError(
            "there is no room for a node's disk",
            details=f"No space left on device: {runtime} has {(free + _RESERVE) / _GIB:.1f} GiB",
            hint="make room (gatelocal image prune, gatelocal node list), or let GATELOCAL_STATE name another disk",
        )
    share = max((free - _promised(place.folders(runtime))) // 2, free // 4, _LEAST_DISK)
    return min(size.disk * _GIB, share) // (1 << 20) * (1 << 20)


def _promised(folders: Iterable[Path]) -> int:
    """Bytes that nodes may still take of the disk."""
    total = 0
    for folder in folders:
        record = place.read(folder)
        if record is not None and record.disk:
            total += max(record.disk - _taken(folder / place.DISK), 0)
    return total


def _taken(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0
