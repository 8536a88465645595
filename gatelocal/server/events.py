"""What changes, as server-sent events for whoever listens; one who does not read loses what comes, and is told so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from gatelocal.pipeline.events import Submitted
from gatelocal.server.views import View
from gatelocal.store.builds import BuildRecord

_WAITING = 1000
_ALIVE = 15.0


@dataclass(slots=True)
class Events:
    """The listeners of one daemon. Their methods but :meth:`tell` are called by the thread of the page."""

    view: View
    _listeners: set[asyncio.Queue[tuple[str, str]]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    def tell(self, what: str, value: object) -> None:
        """Something has changed; from any thread."""
        loop = self._loop
        if loop is None or not self._listeners:
            return
        make = self._maker(what, value)
        loop.call_soon_threadsafe(lambda: self._spread(what, make))

    async def stream(self) -> AsyncIterator[str]:
        """All that changes from now on, the queues as they are first."""
        self._loop = asyncio.get_running_loop()
        own: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_WAITING)
        self._listeners.add(own)
        try:
            yield _event("status", json.dumps(self.view.status()))
            while True:
                try:
                    what, data = await asyncio.wait_for(own.get(), _ALIVE)
                    yield _event(what, data)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._listeners.discard(own)

    def _maker(self, what: str, value: object) -> Callable[[], object]:
        match value:
            case BuildRecord():
                return lambda: self.view.build(value)
            case Submitted():
                return lambda: {"change": int(value.ref.change), "patchset": value.ref.patchset, "commit": value.tip}
            case _:
                return self.view.status

    def _spread(self, what: str, make: Callable[[], object]) -> None:
        data = json.dumps(make())
        for one in tuple(self._listeners):
            try:
                one.put_nowait((what, data))
            except asyncio.QueueFull:
                while not one.empty():
                    one.get_nowait()
                one.put_nowait(("status", json.dumps(self.view.status())))


def _event(what: str, data: str) -> str:
    return f"event: {what}\ndata: {data}\n\n"
