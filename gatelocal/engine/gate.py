"""The gate as a library: a request in, a verdict out; its rooms are imported when something is asked of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gatelocal.config.directories import Directories
from gatelocal.config.directories import directories as folders
from gatelocal.engine.request import GateRequest
from gatelocal.engine.running import Running
from gatelocal.model.happening import Happening, Watch
from gatelocal.model.recipe import Recipe
from gatelocal.model.record import replace
from gatelocal.model.run import RunResult

if TYPE_CHECKING:
    from gatelocal.engine.wiring import Wired


class Gate:
    """The project's whole merge gate on this machine.

    :param directories: where caches and logs are kept; by default this user's.
    :param environment: variables, by default this process's; GATELOCAL_GERRIT is read.
    :param watch: is told all that happens, in order and never twice at a time, from several threads.
    """

    def __init__(
        self,
        directories: Directories | None = None,
        environment: Mapping[str, str] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._directories = directories or folders(self._environment)
        self._watch = _Stamping(watch or _ignore)

    def run(self, request: GateRequest) -> RunResult:
        """Take a change to its verdict. In a thread, :class:`gatelocal.stopping.Stop` ends it as Ctrl-C does.

        :raises gatelocal.errors.GateError: there can be no verdict; its exit code says of what kind the reason is.
        """
        return self._wired().run(request)

    def follow(self, request: GateRequest) -> Running:
        """Begin to take a change to its verdict, and iterate over what happens; see :class:`Running`."""
        return Running(self, request)

    def again(self, recipe: Recipe, folder: Path, request: GateRequest) -> RunResult:
        """Run the jobs of a recipe once more.

        :param folder: the recipe's own, which may have files beside it.
        :param request: which of the jobs, and on what; its change does not count.
        :raises gatelocal.errors.GateError: as for :meth:`run`, or what was merged cannot be had any more.
        """
        return self._wired().again(recipe, folder, request)

    def resume(self, name: str, directory: Path) -> RunResult:
        """Go on with a run whose process was ended at any moment; the verdict again, where it had come to one.

        :param name: the run's, or how it begins; empty: the latest one that was begun in `directory`.
        :raises gatelocal.errors.GateError: as for :meth:`run`, or there is no such run, or somebody is at it.
        """
        return self._wired().resume(name, directory)

    def watched_by(self, watch: Watch) -> Gate:
        """The same gate, which tells another."""
        return Gate(self._directories, self._environment, watch)

    def _wired(self) -> Wired:
        from gatelocal.engine.wiring import Wired

        return Wired(self._directories, self._environment, self._watch)


class _Stamping:
    """Tells one thing at a time, each with the seconds since the first."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._began: float | None = None

    def __call__(self, one: Happening) -> None:
        with self._lock:
            now = time.monotonic()
            self._began = now if self._began is None else self._began
            self._watch(replace(one, at=round(now - self._began, 3)))


def _ignore(_: Happening) -> None:
    """Nobody wants to know."""
