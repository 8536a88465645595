"""The daemon's page in a thread of its own: its socket is there before the daemon, so that its address is known."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette

from gatelocal.errors import ConfigurationError, InfrastructureError

_PATIENCE = 10.0


@dataclass(slots=True)
class Listening:
    """A socket that listens. :ivar url: with a slash at the end."""

    socket: socket.socket
    url: str
    _server: uvicorn.Server | None = field(default=None)

    def serve(self, app: Starlette) -> None:
        """Answer from now on, by another thread. :raises InfrastructureError: it does not come up."""
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=1
        )
        server = self._server = uvicorn.Server(config)
        threading.Thread(target=server.run, args=([self.socket],), name="page", daemon=True).start()
        deadline = time.monotonic() + _PATIENCE
        while not server.started:
            if time.monotonic() > deadline:
                raise InfrastructureError(f"nothing answers on {self.url}")
            time.sleep(0.01)

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.should_exit = True


def listen(host: str, port: int, where: str) -> Listening:
    """Open the socket. :param where: file and key, for errors. :raises ConfigurationError: that cannot be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(128)
    except OSError as error:
        raise ConfigurationError(f"{where}: cannot listen on {host}:{port}: {error.strerror}") from None
    shown = f"[{host}]" if ":" in host else host
    return Listening(opened, f"http://{shown}:{opened.getsockname()[1]}/")
