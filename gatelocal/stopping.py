"""How an operation that runs in a thread of its own is ended from outside: as Ctrl-C ends one in the main thread.

Whoever starts programs asks for the token of the operation that it is part of; nothing here knows what an operation is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar


class Stopped(BaseException):
    """The operation is not wanted any more. No failure: like KeyboardInterrupt, it passes all but those who tidy up."""


class Stop:
    """The end of one operation, which may be asked for from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._enders: dict[int, Callable[[], None]] = {}
        self._count = 0
        self._asked = False

    @property
    def asked(self) -> bool:
        """Whether the end was asked for."""
        return self._asked

    def ask(self) -> None:
        """End the operation: what it waits for is ended now, and it begins nothing more. Twice is harmless."""
        with self._lock:
            self._asked = True
            enders = list(self._enders.values())
            self._enders.clear()
        for end in enders:
            end()

    def check(self) -> None:
        """:raises Stopped: the end was asked for."""
        if self._asked:
            raise Stopped

    @contextlib.contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """For the block, `end` is what ends the thing that it waits for.

        :raises Stopped: the end was asked for before the block, or within it.
        """
        with self._lock:
            self.check()
            self._count += 1
            number = self._count
            self._enders[number] = end
        try:
            yield
        finally:
            with self._lock:
                self._enders.pop(number, None)
            self.check()


_CURRENT: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextlib.contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """The block is part of that operation, as far as it runs in this thread."""
    before = _CURRENT.set(stop)
    try:
        yield
    finally:
        _CURRENT.reset(before)


@contextlib.contextmanager
def waiting(end: Callable[[], None]) -> Iterator[None]:
    """As :meth:`Stop.ending` of the operation that this thread is in; without one, nothing."""
    stop = _CURRENT.get()
    with contextlib.nullcontext() if stop is None else stop.ending(end):
        yield


_ENDERS: list[Callable[[], None]] = []


@contextlib.contextmanager
def at_once(end: Callable[[], None]) -> Iterator[None]:
    """For the block, `end` ends what it runs without asking that, so that what tidies up has little to wait for."""
    _ENDERS.append(end)
    try:
        yield
    finally:
        _ENDERS.remove(end)


def end_at_once() -> bool:
    """End so whatever can be, in threads of their own: a signal may come at any moment. :returns: whether any can."""
    for end in _ENDERS:
        threading.Thread(target=end, name="at once", daemon=True).start()
    return bool(_ENDERS)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """The block tidies up: it runs to its end, whatever was asked for."""
    before = _CURRENT.set(None)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def check() -> None:
    """:raises Stopped: the operation that this thread is in is not wanted any more."""
    stop = _CURRENT.get()
    if stop is not None:
        stop.check()
