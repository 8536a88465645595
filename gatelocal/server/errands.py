"""What takes its time beside the loop: done by a few threads, in order where order matters, again until it is done."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say

_FIRST, _MOST = 1.0, 300.0


@dataclass(slots=True)
class _Errand:
    """:ivar tries: how often it has failed."""

    do: Callable[[], None]
    tries: int = 0


class Errands:
    """A few threads.

    :param interrupt: receives a mistake of ours. :param say: receives what could not be done and is tried again.
    :ivar troubles: line → why its first errand could not be done the last time.
    """

    def __init__(self, threads: int, interrupt: Callable[[BaseException], None], say: Say) -> None:
        self._interrupt = interrupt
        self._say = say
        self._condition = threading.Condition()
        self._lines: dict[str, deque[_Errand]] = {}
        self._ready: deque[str] = deque()
        self._over = False
        self.troubles: dict[str, str] = {}
        for at in range(threads):
            threading.Thread(target=self._work, name=f"errand {at}", daemon=True).start()

    def add(self, line: str, do: Callable[[], None]) -> None:
        """Have it done after all that was added to the same line before.

        :param do: raises InfrastructureError when it is to be tried again, after a wait.
        """
        with self._condition:
            if line in self._lines:
                self._lines[line].append(_Errand(do))
                return
            self._lines[line] = deque((_Errand(do),))
            self._ready.append(line)
            self._condition.notify()

    def close(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        with self._condition:
            self._over = True
            self._condition.notify_all()

    def _work(self) -> None:
        while (line := self._next()) is not None:
            errand = self._lines[line][0]
            try:
                errand.do()
            except InfrastructureError as error:
                self._again(line, errand, error)
                continue
            except BaseException as error:
                self._interrupt(error)
                return
            self._done(line)

    def _next(self) -> str | None:
        with self._condition:
            while not self._over and not self._ready:
                self._condition.wait()
            return None if self._over else self._ready.popleft()

    def _done(self, line: str) -> None:
        with self._condition:
            self.troubles.pop(line, None)
            waiting = self._lines[line]
            waiting.popleft()
            if waiting:
                self._ready.append(line)
                self._condition.notify()
            else:
                del self._lines[line]

    def _again(self, line: str, errand: _Errand, error: InfrastructureError) -> None:
        wait = min(_FIRST * 2**errand.tries, _MOST)
        errand.tries += 1
        self.troubles[line] = error.brief
        self._say(f"{line}: {error.brief}; tried again in {wait:.0f} s")
        timer = threading.Timer(wait, self._ready_again, (line,))
        timer.daemon = True
        timer.start()

    def _ready_again(self, line: str) -> None:
        with self._condition:
            self._ready.append(line)
            self._condition.notify()
