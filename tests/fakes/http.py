"""An HTTP server on loopback whose clients may go away in the middle of an answer."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1; each request has a thread of its own, which keeps nothing alive."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up is no fault of the server's; a test that reads standard error must not see it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
