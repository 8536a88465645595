"""A small real HTTP server that answers like zuul-web, or like something else that stands in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from urllib.parse import unquote

from tests.fakes.http import LoopbackServer


@dataclass
class Reply:
    """What the server says. `drip` seconds pass between the bytes of the body, or of endless headers."""

    body: bytes
    status: int = 200
    kind: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    endless_headers: bool = False


class ZuulWeb:
    """Paths below ``/api/tenant/TENANT/`` → replies; what was asked is in `asked`."""

    def __init__(self, tenant: str = "acme") -> None:
        self.tenant = tenant
        self.replies: dict[str, Callable[[], Reply]] = {}
        self.asked: list[str] = []
        self.url = ""

    def says(self, path: str, value: object) -> None:
        """Answer with JSON."""
        self.gives(path, Reply(json.dumps(value).encode()))

    def gives(self, path: str, reply: Reply | Callable[[], Reply]) -> None:
        """Answer with anything."""
        self.replies[path] = reply if callable(reply) else lambda: reply

    def freezes(self, where: str, listed: list[dict[str, object]], frozen: Mapping[str, object]) -> None:
        """Answer as zuul-web does for ``pipeline/P/project/N/branch/B``."""
        self.says(f"{where}/freeze-jobs", listed)
        for name, job in frozen.items():
            self.says(f"{where}/freeze-job/{name}", job)

    def reply(self, path: str) -> Reply:
        """What is said to a path of the URL."""
        before = f"/api/tenant/{self.tenant}/"
        asked = unquote(path)
        self.asked.append(asked)
        found = self.replies.get(asked.removeprefix(before)) if asked.startswith(before) else None
        return found() if found else Reply(b'{"error": "Unknown project"}', 404)


@contextmanager
def zuul_web(tenant: str = "acme") -> Iterator[ZuulWeb]:
    """A server that runs as long as the ``with`` block."""
    web = ZuulWeb(tenant)

    def trickle(out: BufferedIOBase, data: bytes, drip: float) -> None:
        """Write it, byte by byte when `drip` seconds are to pass between them; the client may be gone."""
        parts = [data[place : place + 1] for place in range(len(data))] if drip else [data]
        with suppress(OSError):
            for part in parts:
                stop.wait(drip)
                out.write(part)
                out.flush()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = web.reply(self.path)
            if reply.endless_headers:
                trickle(self.wfile, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100, reply.drip)
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            trickle(self.wfile, reply.body, reply.drip)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    stop = threading.Event()
    server = LoopbackServer(Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
