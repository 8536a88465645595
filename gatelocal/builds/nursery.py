"""Starts the processes of builds from one that has read all its modules already, in a few milliseconds each.

The nursery itself is a process that does nothing but that: its parent writes a build's folder, one in each line, and
is answered with the new process's id and start time. It ends when its parent does; what it has started lives on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from gatelocal.builds.folder import TROUBLE
from gatelocal.builds.following import Life, ProcessLife
from gatelocal.errors import InfrastructureError
from gatelocal.launcher.place import ProcessName, name_of

_PATIENCE = 60.0  # seconds for a new process to be told of


class Nursery:
    """The parent's side; made before it is needed, it costs nobody any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Start it, unless it is there. Whoever does so must not wait for anything."""
        with self._lock:
            self._opened()

    def start(self, folder: Path) -> Life:
        """A process that does what the folder's order says. :raises InfrastructureError: there is none."""
        with self._lock:
            child = self._opened()
            told = _asked(child, folder)
            if not told:
                _end(child)
                self._child = None
                child = self._opened()
                told = _asked(child, folder)
        with contextlib.suppress(ValueError):
            pid, started = told.split()
            return ProcessLife(ProcessName(int(pid), int(started)))
        raise InfrastructureError("no process can be started for a build", details=told, hint="is memory short?")

    def close(self) -> None:
        """End it; builds that it has started go on."""
        with self._lock:
            if self._child is not None:
                _end(self._child)
                self._child = None

    def _opened(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            argv = [sys.executable, "-m", "gatelocal.builds.nursery"]
            self._child = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        return self._child


def _asked(child: subprocess.Popen[str], folder: Path) -> str:
    """Its answer; empty when it is gone."""
    if child.stdin is None or child.stdout is None:
        return ""
    guard = threading.Timer(_PATIENCE, child.kill)
    guard.start()
    try:
        child.stdin.write(f"{os.fsencode(folder).hex()}\n")
        child.stdin.flush()
        return child.stdout.readline()
    except (OSError, ValueError):
        return ""
    finally:
        guard.cancel()


def _end(child: subprocess.Popen[str]) -> None:
    for end in (child.stdin, child.stdout):
        if end is not None:
            with contextlib.suppress(OSError):
                end.close()
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _serve() -> None:
    """The nursery's side, without threads: a new process is a copy of this one."""
    import gatelocal.builds.process as build

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    for line in sys.stdin:
        folder = Path(os.fsdecode(bytes.fromhex(line.strip())))
        pid = os.fork()
        if pid == 0:
            _become(folder, build.main)
        name = name_of(pid)
        os.write(1, f"{pid} {name.started if name else 0}\n".encode())


def _become(folder: Path, main: Callable[[Path], None]) -> None:
    """In the new process: nothing of the nursery stays, and no way leads back to it."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        trouble = os.open(folder / TROUBLE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        for target, source in ((0, nowhere), (1, trouble), (2, trouble)):
            os.dup2(source, target)
        os.close(nowhere)
        os.close(trouble)
        main(folder)
        status = 0
    except BaseException:
        sys.stderr.write(traceback.format_exc())
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        with contextlib.suppress(OSError):
            if not (folder / TROUBLE).stat().st_size:
                (folder / TROUBLE).unlink()
        os._exit(status)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        _serve()
