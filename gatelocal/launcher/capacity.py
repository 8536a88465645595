"""How many builds this machine carries at the same time, and what memory is taken of it; it starts none."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

from gatelocal.launcher.place import Record
from gatelocal.model.label import Labels
from gatelocal.model.plan import Nodeset

_CORES = 2
"""A build has test programs that start a process for each core: half as many builds as cores keep all of them busy."""
_GIBIBYTES = 3.0
"""A virtual machine has two of memory, and its host needs some for it."""
_OWN = 1.0
"""Of those, what the host needs."""
_MEMINFO = Path("/proc/meminfo")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def builds(meminfo: Path = _MEMINFO) -> int:
    """The number, at least one, by the cores that this process may use and the memory that is free now."""
    return max(1, min(cores() // _CORES, int(memory(meminfo) // _GIBIBYTES)))


def seats(labels: Labels, nodesets: Sequence[Nodeset]) -> int:
    """For how many builds of the usual size one counts that has these nodes: by their memory, at least one."""
    asked = [node.label or None for node in nodesets[0].nodes]
    here = [label for label in asked if not labels.hosts_of(label) and labels.cloud_of(label) is None]
    sizes = (labels.wanted(label).size.memory / 1024 for label in here)
    return max(1, math.ceil(sum(gibibytes + _OWN for gibibytes in sizes) / _GIBIBYTES))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory(meminfo: Path = _MEMINFO) -> float:
    """Gibibytes of memory that programs could still have; as good as endless where nobody says it."""
    return _told(meminfo, "MemAvailable")


def total(meminfo: Path = _MEMINFO) -> float:
    """Gibibytes of memory that this machine has; as good as endless where nobody says it."""
    return _told(meminfo, "MemTotal")


def taken(record: Record) -> int:
    """Bytes of memory that a node's processes have; what is only a copy of its disk is not counted."""
    for group in record.cgroups:
        with contextlib.suppress(OSError, ValueError):
            told = dict(line.split() for line in (Path(group) / "memory.stat").read_text().splitlines())
            return int(told.get("total_rss") or told["anon"]) if "total_rss" in told or "anon" in told else 0
    return sum(map(_resident, {one.pid for one in record.processes}))


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _told(meminfo: Path, wanted: str) -> float:
    try:
        for line in meminfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == wanted:
                return int(value.split()[0]) / (1 << 20)
    except (OSError, ValueError, IndexError):
        pass
    return float(1 << 20)


def whole_memory() -> float:
    """Gibibytes of memory of this machine, whoever has it now."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
