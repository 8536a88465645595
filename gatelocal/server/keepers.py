"""The builds of many items: each preparation has its folder and a keeper of its own; it knows nothing of seats."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.builds import following
from gatelocal.engine.keeper import Keeper, Kept
from gatelocal.engine.outcomes import LOST
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.seats import Told
from gatelocal.engine.work import Preparation, Tools
from gatelocal.errors import GateError
from gatelocal.model.happening import Happening
from gatelocal.model.hold import Keep
from gatelocal.model.result import BuildResult
from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.ports import Say
from gatelocal.stopping import Stop

Heard = Callable[[int, Happening], None]
"""Is told what happens to the builds of a preparation."""


@dataclass(frozen=True, slots=True)
class _Kept:
    keeper: Keeper
    kept: Kept
    preparation: Preparation
    folder: RunFolder


class Keepers:
    """See :class:`gatelocal.engine.seats.Keeper`.

    :param tools: what every item is built with, but for its folder. :param told: see :data:`Heard`.
    """

    def __init__(self, tools: Tools, lock: Path, told: Heard, say: Say) -> None:
        self._tools = tools
        self._lock = lock
        self._told = told
        self._say = say
        self._mutex = threading.Lock()
        self._kept: dict[int, _Kept] = {}
        self._requests: dict[int, int] = {}
        self._over: set[int] = set()

    def folder(self, preparation: int) -> RunFolder:
        """Where all of a preparation is kept."""
        return RunFolder(self._tools.directories.runs / f"{preparation:08d}", self._lock)

    def tools(self, preparation: int) -> Tools:
        """What its builds are made with."""

        def watch(one: Happening) -> None:
            self._told(preparation, one)

        return replace(self._tools, logs=self.folder(preparation).path, watch=watch)

    def add(self, action: int, found: Preparation) -> None:
        """An item is prepared: builds may be asked for."""
        with self._mutex:
            self._kept[action] = self._make(action, found)

    def known(self) -> tuple[int, ...]:
        """The preparations that are kept."""
        return tuple(self._kept)

    def get(self, action: int) -> Preparation | None:
        """What was prepared for that action; None when that is not known."""
        found = self._kept.get(action)
        return None if found is None else found.preparation

    def found(self, action: int) -> Preparation | None:
        """The same, or what a former process has left in its folder. :raises InfrastructureError: damaged."""
        if (known := self.get(action)) is not None:
            return known
        kept = self.folder(action).prepared()
        return kept[1] if kept is not None and kept[0] == action else None

    def result(self, preparation: int, change: str, job: str) -> BuildResult | None:
        """What the latest build of a job has left."""
        found = self._kept.get(preparation)
        return None if found is None else found.kept.results.get((change, job))

    def _make(self, action: int, found: Preparation) -> _Kept:
        folder, kept = self.folder(action), Kept()
        keeper = Keeper(self.tools(action), kept, lambda: found, folder, Keep())
        return _Kept(keeper, kept, found, folder)

    # ---- after a restart

    def take_up(self, preparations: Iterable[int], wanted: frozenset[int]) -> list[tuple[int, int]]:
        """Find the builds of these preparations again: (request, build) of those that live and are wanted.

        All other builds that a former process has left running are ended.
        """
        living: list[tuple[int, int]] = []
        known = set(preparations)
        for number in sorted(known):
            try:
                found = self.found(number)
                if found is None:
                    continue
                kept = self._kept[number] = self._make(number, found)
                mine = kept.keeper.take_up()
            except GateError as error:
                self._say(f"what was prepared as {number} cannot be used any more: {error.brief}")
                self._kept.pop(number, None)
                known.discard(number)
                continue
            for one in mine:
                if one.order.id in wanted:
                    self._requests[one.order.id] = number
                    living.append((one.order.id, one.build))
                else:
                    self._end(one.folder)
        for path in self._tools.directories.runs.glob("*/"):
            if path.name.isdecimal() and int(path.name) not in known and not RunFolder(path, self._lock).has_ended:
                for each in path.glob("*/"):
                    self._end(each)
                RunFolder(path, self._lock).first_end()
        return living

    def _end(self, folder: Path) -> None:
        if (life := following.found(folder)) is not None:
            self._say(f"a build that nobody waits for is ended: {folder.parent.name}/{folder.name}")
            life.ask()

    # ---- on seats

    def launch(self, request: RequestNode, stop: Stop) -> bool:
        """See :class:`gatelocal.engine.seats.Keeper`. For what is over there is no node: nobody waits for it."""
        keeper = self._used(request.id, request.preparation)
        return keeper is not None and keeper.launch(request, stop)

    def build(self, order: StartBuild, stop: Stop, paused: Callable[[Told], None]) -> Told:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        keeper = self._used(order.request, order.preparation)
        return Told(LOST) if keeper is None else keeper.build(order, stop, paused)

    def resume(self, request: int) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        found = self._kept.get(self._requests.get(request, 0))
        if found is not None:
            found.keeper.resume(request)

    def wish(self, request: int) -> None:
        """The node of that request is to be kept if its build fails; nobody minds where there is none.

        :raises InfrastructureError: no disk.
        """
        found = self._kept.get(self._requests.get(request, 0))
        if found is not None:
            found.keeper.wish(request)

    def leave(self, request: int, stop: Stop) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        found = self._kept.get(self._requests.get(request, 0))
        try:
            if found is not None:
                found.keeper.leave(request, stop)
        finally:
            with self._mutex:
                self._requests.pop(request, None)
            self._tidy()

    def _used(self, request: int, preparation: int) -> Keeper | None:
        """Who keeps the builds of a preparation, which is not forgotten before the request is left."""
        with self._mutex:
            found = self._kept.get(preparation)
            if found is not None:
                self._requests[request] = preparation
        return None if found is None else found.keeper

    def kill(self) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        for one in list(self._kept.values()):
            one.keeper.kill()

    # ---- at the end

    def over(self, preparations: Iterable[int]) -> None:
        """Nobody will ask for a build of these any more."""
        with self._mutex:
            self._over.update(preparations)
        self._tidy()

    def _tidy(self) -> None:
        """Forget what is over and has no build that still runs; its merges may be collected."""
        with self._mutex:
            used = set(self._requests.values())
            gone = [number for number in self._over if number not in used]
            left = [self._kept.pop(number) for number in gone if number in self._kept]
            self._over.difference_update(gone)
        for one in left:
            one.folder.first_end()
            try:
                self._tools.merger.release(one.preparation.merged.state)
            except GateError as error:
                self._say(f"the merges of {one.folder.path.name} stay for some days: {error.brief}")
