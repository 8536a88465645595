"""A preparation beside the loop, which is given up when it takes too long; what it prepares is not known here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gatelocal.stopping import Stop, Stopped, stoppable

_GRACE = 60.0  # seconds for a preparation to end once it is asked to
_STEP = 0.1


class Preparing:
    """One preparation, in a thread of its own. It ends, or is given up: what comes first counts."""

    def __init__(self, work: Callable[[], None], interrupt: Callable[[BaseException], None]) -> None:
        """:param interrupt: is told of an error that nobody expects."""
        self._work, self._interrupt = work, interrupt
        self._stop = Stop()
        self._lock = threading.Lock()
        self._over = self._left = False
        self._thread = threading.Thread(target=self._run, name="prepare", daemon=True)
        self._timer: threading.Timer | None = None

    def begin(self, limit: float, give_up: Callable[[], None]) -> None:
        """Begin. :param give_up: is called, from another thread, when it has not ended after `limit` seconds."""
        self._timer = threading.Timer(limit, self._too_long, (give_up,))
        self._timer.daemon = True
        self._timer.start()
        self._thread.start()

    def first(self) -> bool:
        """Whether nobody has said yet how it ended; from now on somebody has."""
        with self._lock:
            was, self._over = self._over, True
        return not was

    def stop(self) -> None:
        """Have it end, if it still goes on."""
        self._stop.ask()

    def wait(self) -> None:
        """Wait until it has ended, or nobody waits for it any more."""
        deadline = time.monotonic() + _GRACE
        while self._thread.is_alive() and time.monotonic() < deadline and not self._left:
            self._thread.join(_STEP)

    def leave(self) -> None:
        """Wait for it no more; from any thread."""
        self._left = True

    def _run(self) -> None:
        try:
            with stoppable(self._stop):
                self._work()
        except Stopped:
            pass
        except BaseException as error:
            self._interrupt(error)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _too_long(self, give_up: Callable[[], None]) -> None:
        if self.first():
            self._stop.ask()
            give_up()
