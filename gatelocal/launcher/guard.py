"""Waits for the end of a process and becomes the guard of its node then; until then it needs as good as nothing.

Run as a program by Python without anything but its core, as there may be many of it: ``FOLDER PID STARTED``, which
:mod:`gatelocal.launcher.sweeper` is given as they are.
"""

from __future__ import annotations

import os
import select
import sys


def wait(pid: int, started: int) -> None:
    """Wait until that very process is gone. :param started: see :class:`gatelocal.launcher.place.ProcessName`."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    while _is_alive(pid, started):
        poll.poll(2000)
    os.close(handle)


def _is_alive(pid: int, started: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as opened:  # noqa: PTH123 - pathlib is half of what there is to load
            fields = opened.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in (b"Z", b"X") and int(fields[19]) == started


if __name__ == "__main__":
    wait(int(sys.argv[2]), int(sys.argv[3]))
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gatelocal.launcher.sweeper", *sys.argv[1:]])  # noqa: S606
