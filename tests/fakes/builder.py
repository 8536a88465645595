"""Does the work of builds in threads of the test, over make-believe rooms; all else of a build's folder is real."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gatelocal import stopping
from gatelocal.builds.following import Life
from gatelocal.builds.worker import Beginning, Rooms, work
from gatelocal.ports import Executor, Launcher
from gatelocal.stopping import Stop


def interrupt() -> NoReturn:
    """Do to the command what Ctrl-C does, and run until that ends the build."""
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        stopping.check()
        time.sleep(0.01)


class ThreadLife:
    """A thread in the place of a process."""

    def __init__(self, target: Callable[[Stop], None]) -> None:
        self.stop = Stop()
        self.thread = threading.Thread(target=target, args=(self.stop,), daemon=True)
        self.thread.start()

    def lives(self) -> bool:
        return self.thread.is_alive()

    def ask(self) -> None:
        self.stop.ask()

    def kill(self) -> None:
        self.stop.ask()


class ThreadBuilder:
    """See :class:`gatelocal.engine.work.Builder`."""

    def __init__(
        self,
        launcher: Launcher,
        executor: Executor,
        give_back: Callable[[str], None] = lambda name: None,
        begins: Callable[[Beginning], None] = lambda beginning: None,
    ) -> None:
        self._rooms = Rooms(
            lambda order: launcher,
            lambda order, beginning: begins(beginning) or executor,  # type: ignore[func-returns-value]
            lambda order, nodes: order.trees,
            lambda order, node, before, say: give_back(before) if before else None,
        )
        self.started: list[Path] = []

    def open(self) -> None:
        """Nothing is to be made ready."""

    def start(self, folder: Path) -> Life:
        self.started.append(folder)
        return ThreadLife(lambda stop: work(folder, self._rooms, stop))

    def close(self) -> None:
        """Nothing is to be closed."""
