"""Waits for the end of a process and has its node returned then; until then it needs as good as nothing.

Run as a program by Python without anything but its core, as there may be many of it: ``FOLDER PID STARTED``, which
:mod:`gatelocal.launcher.sweeper` is given as they are. That is loaded only then, and tried again where it cannot be, as
while another version is being installed.
"""

from __future__ import annotations

import os
import select
import sys
import time

_LONGEST = 300.0


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


def have_returned(folder: str, words: list[str], pause: float = 1.0) -> None:
    """Run the sweeper until it ends well, or the node's folder is gone. :param pause: seconds, then twice as long."""
    argv = [sys.executable, "-P", "-m", "gatelocal.launcher.sweeper", *words]
    while os.spawnv(os.P_WAIT, sys.executable, argv) != 0 and os.access(folder, os.F_OK):  # noqa: S606
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)


if __name__ == "__main__":
    wait(int(sys.argv[2]), int(sys.argv[3]))
    have_returned(sys.argv[1], sys.argv[1:])
