"""A process that has read Ansible, from which each playbook's own is copied: started, asked, and ended here.

It knows no playbook. One that is stopped takes the process along; for the next one there is another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from gatelocal import process, stopping
from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible import start
from gatelocal.executor.ansible.bridge import short_path
from gatelocal.model.text import LINE_LIMIT

_NAME, _LOG = "warm", "warm.log"
_PATIENCE = 300.0  # seconds for a busy machine to read Ansible
_STEP = 0.25
_CHUNK = 1 << 16


class Warm:
    """Ansible, ready. As a context manager it ends with the block.

    :param folder: an empty folder of its own. :param variables: of its process, all of them.
    """

    def __init__(self, python: Path, folder: Path, work: Path, variables: Mapping[str, str]) -> None:
        self._argv = start.argv(python, folder, variables)
        self._folder = folder
        self._work = work
        self._child: process.Child | None = None
        self._server = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Warm:
        with short_path(self._folder) as place:
            self._server.bind(f"{place}/{_NAME}")
        self._server.listen(1)
        self._server.settimeout(_STEP)
        self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._end()

    def play(self, settings: Path, on_line: Callable[[str], None], timeout: float | None) -> int:
        """Run the playbook of these settings; the status of its process.

        :param settings: alone in its folder; see :func:`gatelocal.executor.ansible.start.settings`.
        :param on_line: receives each line that it prints. :param timeout: seconds.
        :raises TimeoutError: it was stopped. :raises InfrastructureError: Ansible does not start, or has died.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        child = self._opened()
        try:
            with stopping.waiting(lambda: child.stop(0)):
                return self._played(child, settings, on_line, deadline)
        except BaseException:
            self._end()
            with contextlib.suppress(OSError, ValueError):
                os.killpg(int(settings.with_name("pid").read_text()), signal.SIGKILL)
            raise

    def _played(
        self, child: process.Child, settings: Path, on_line: Callable[[str], None], deadline: float | None
    ) -> int:
        ended = settings.with_name("status")
        with self._ready(child, deadline) as link:
            link.sendall(f"{settings}\n".encode())
            link.settimeout(_STEP)
            rest = b""
            while True:
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError
                try:
                    piece = link.recv(_CHUNK)
                except TimeoutError:
                    stopping.check()
                    if (
                        _status(ended) is not None or child.ended() is not None
                    ):  # something that it has left has the connection
                        break
                    continue
                except ConnectionError:
                    piece = b""
                if not piece:
                    break
                *whole, rest = (rest + piece).split(b"\n")
                rest = rest[:LINE_LIMIT]
                for line in whole:
                    on_line(line[:LINE_LIMIT].decode("utf-8", "replace").rstrip("\r"))
        stopping.check()
        status = _status(ended)
        if status is None:
            status = -signal.SIGKILL
        if status < 0:
            raise InfrastructureError(f"Ansible's process was ended by signal {-status}", details=child.last_words())
        return status

    def _ready(self, child: process.Child, deadline: float | None) -> socket.socket:
        """The connection of the process, once it is ready; the time that it takes is part of the playbook's."""
        latest = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(TimeoutError):
                return self._server.accept()[0]
            stopping.check()
            if child.ended() is not None or time.monotonic() > latest:
                raise InfrastructureError("Ansible does not start", details=child.last_words())
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError

    def _opened(self) -> process.Child:
        if self._child is None or self._child.ended() is not None:
            self._child = process.spawn(self._argv, log=self._folder / _LOG, cwd=self._work)
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.stop(0)
            self._child = None


def _status(file: Path) -> int | None:
    """The status of a playbook's process, once it is written."""
    with contextlib.suppress(FileNotFoundError):
        text = file.read_text()
        return int(text) if text else None
    return None
