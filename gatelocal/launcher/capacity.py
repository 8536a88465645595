"""How many builds this machine carries at the same time; it starts none."""

from __future__ import annotations

import os
from pathlib import Path

_CORES = 2
"""A build has test programs that start a process for each core: half as many builds as cores keep all of them busy."""
_GIBIBYTES = 3.0
"""A virtual machine has two of memory, and its host needs some for it."""


def builds(meminfo: Path = Path("/proc/meminfo")) -> int:
    """The number, at least one, by the cores that this process may use and the memory that is free now."""
    return max(1, min(cores() // _CORES, int(memory(meminfo) // _GIBIBYTES)))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory(meminfo: Path) -> float:
    """Gibibytes of memory that programs could still have; as good as endless where nobody says it."""
    try:
        for line in meminfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) / (1 << 20)
    except (OSError, ValueError, IndexError):
        pass
    return float(1 << 20)
