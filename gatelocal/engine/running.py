"""A run that is followed by a program: it goes on in a thread of its own, and what happens is iterated over."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

from gatelocal.engine.request import GateRequest
from gatelocal.model.happening import Happening, Watch
from gatelocal.model.run import RunResult
from gatelocal.stopping import Stop, Stopped, stoppable

_WAITING = 10_000
"""Happenings that may wait for a slow reader; what happens next waits for it."""
_STEP = 0.1


class Interrupted(Exception):
    """The run was stopped by whoever follows it; nothing of it is left running."""


class Runs(Protocol):
    """What a gate can do that is followed."""

    def run(self, request: GateRequest) -> RunResult:
        """Take a change to its verdict."""

    def watched_by(self, watch: Watch) -> Runs:
        """The same, which tells that one."""


class Running:
    """A run under way. Iterating gives what happens, until the run has ended; as a context manager it is stopped then.

    Errors of the run (:class:`gatelocal.errors.GateError`) are raised where the iteration ends, and by :attr:`result`.
    """

    def __init__(self, gate: Runs, request: GateRequest) -> None:
        self._waiting: queue.Queue[Happening | None] = queue.Queue(_WAITING)
        self._stop = Stop()
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        gate = gate.watched_by(self._put)
        self._thread = threading.Thread(target=self._run, args=(gate, request), name="run", daemon=True)
        self._thread.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Happening]:
        while (one := self._waiting.get()) is not None:
            yield one
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the run as Ctrl-C does, and wait for that: builds are stopped and nodes returned. Twice is harmless."""
        self._stop.ask()
        self._thread.join()

    @property
    def result(self) -> RunResult:
        """What came out, once the run has ended; waits for that. Errors as for the iteration."""
        while self._thread.is_alive():
            self._drain()
            self._thread.join(_STEP)
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise Interrupted("the run was stopped")
        return self._result

    def _run(self, gate: Runs, request: GateRequest) -> None:
        try:
            with stoppable(self._stop):
                self._result = gate.run(request)
        except (Stopped, KeyboardInterrupt):
            self._error = Interrupted("the run was stopped")
        except BaseException as error:
            self._error = error
        finally:
            self._put(None)

    def _put(self, one: Happening | None) -> None:
        while True:
            try:
                self._waiting.put(one, timeout=_STEP)
            except queue.Full:
                if self._stop.asked:
                    self._drain()  # nobody reads on
                continue
            return

    def _drain(self) -> None:
        """Pass over what waits, for nobody reads it."""
        while True:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                return
            if one is None:
                self._waiting.put(None)
                return
