"""What the plugins say to the process that runs the build: one JSON line there, one back; it decides nothing."""

from __future__ import annotations

import json
import os
import socket


class Bridge:
    """A connection of one process; after a fork, another one."""

    def __init__(self) -> None:
        self._pid = 0
        self._socket: socket.socket | None = None

    def ask(self, **what: object) -> dict[str, object]:
        """Its answer. :raises OSError: nobody is there to answer."""
        if self._socket is None or self._pid != os.getpid():
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(os.environ["BUILD_BRIDGE"])
            self._pid = os.getpid()
        self._socket.sendall(f"{json.dumps(what)}\n".encode())
        answer = bytearray()
        while not answer.endswith(b"\n"):
            piece = self._socket.recv(1 << 16)
            if not piece:
                raise OSError("the build has ended")
            answer += piece
        found: dict[str, object] = json.loads(answer)
        return found


BRIDGE = Bridge()
