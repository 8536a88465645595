"""Nodes and builds beside the loop: each node request has a seat, a thread that follows it until its node's return."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol

from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.pipeline.events import BuildDone, BuildPaused, Event, NodeAnswer, NodeWaits
from gatelocal.stopping import Stop, Stopped


@dataclass(frozen=True, slots=True)
class Told:
    """What the gate is told of a build that has ended, or is paused.

    :ivar result: see :class:`gatelocal.pipeline.events.BuildDone`; empty for one that is paused.
    :ivar artifacts: their names. :ivar children: the jobs after it that it asks for; None when it does not choose.
    """

    result: str = ""
    artifacts: tuple[str, ...] = ()
    children: tuple[str, ...] | None = None


class Keeper(Protocol):
    """What is done on a seat."""

    def launch(self, request: RequestNode, stop: Stop) -> bool:
        """Whether there is a node for it. :raises Stopped: it is not wanted any more."""

    def build(self, order: StartBuild, stop: Stop, paused: Callable[[Told], None]) -> Told:
        """Run a build on the node of its request; what the gate is told of it.

        :param paused: is told when it waits for the jobs after it. :raises Stopped: as for `launch`.
        """

    def resume(self, request: int) -> None:
        """Let the paused build on that request's node go on. :raises InfrastructureError: it cannot be told."""

    def leave(self, request: int, stop: Stop) -> None:
        """Wait until the request's node is returned; see to it where the end was asked for."""

    def kill(self) -> None:
        """End everything at once, also what is only just begun; from any thread."""


@dataclass(slots=True, eq=False)
class _Seat:
    """:ivar request: whose node; None as long as only that is known which a former process has made.

    :ivar orders: the build that the node is for; None when it is not wanted any more.
    :ivar counts: for how many of those that there may be at the same time.
    """

    id: int
    request: RequestNode | None = None
    stop: Stop = field(default_factory=Stop)
    orders: SimpleQueue[StartBuild | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None
    counts: int = 1


class Seats:
    """Those who wait for a node or have one. A paused build keeps its node and makes room for those that it waits for.

    :param width: how many may have one at the same time. :param post: receives what happens on them.
    :param interrupt: receives what ends everything: an interruption, or a mistake of ours.
    :param weigh: for how many one counts; whoever counts for more than there may be is alone.
    """

    def __init__(
        self,
        width: int,
        keeper: Keeper,
        post: Callable[[Event], None],
        interrupt: Callable[[BaseException], None],
        weigh: Callable[[RequestNode], int] = lambda request: 1,
    ) -> None:
        self._free = self._width = width
        self._weigh = weigh
        self._keeper = keeper
        self._post = post
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._waiting: deque[_Seat] = deque()
        self._seats: dict[int, _Seat] = {}
        self._builds: dict[int, _Seat] = {}

    def take_up(self, living: Iterable[tuple[int, int]]) -> None:
        """Nodes of a former process that are there; each has its seat, whatever the width.

        :param living: each one's request, and its build, 0 when that was not begun.
        """
        for request, build in living:
            self._seats[request] = seat = _Seat(request)
            self._free -= 1
            if build:
                self._builds[build] = seat

    def request(self, action: RequestNode) -> None:
        """Have a node made as soon as there is room."""
        if (seat := self._seats.get(action.id)) is not None:
            seat.request = action
            self._begin(seat)
            return
        seat = _Seat(action.id, action, counts=min(self._weigh(action), self._width))
        with self._lock:
            self._seats[action.id] = seat
            self._waiting.append(seat)
            full = self._free < seat.counts or len(self._waiting) > 1
        if full:
            self._post(NodeWaits(0.0, action.id, action.item, action.generation, action.run))
        self._fill()

    def drop(self, request: int) -> None:
        """A node is not wanted any more, whether it is there or not."""
        self._end(self._seats.get(request))

    def start(self, order: StartBuild) -> None:
        """Run a build on the node of its request."""
        with self._lock:  # seats that end take themselves out
            seat = self._seats.get(order.request)
            if seat is None:  # a former process has had it, and it has ended
                seat = self._seats[order.request] = _Seat(order.request)
                self._free -= 1
            self._builds[order.id] = seat
        seat.orders.put(order)
        self._begin(seat)

    def cancel(self, build: int) -> None:
        """Stop a build, if it still runs."""
        self._end(self._builds.get(build))

    def resume(self, build: int) -> None:
        """Let a paused build go on, if it is there."""
        if (seat := self._builds.get(build)) is not None:
            self._keeper.resume(seat.id)

    def close(self) -> None:
        """End all that is under way, and wait until every node is returned."""
        with self._lock:
            self._waiting.clear()
            left = list(self._seats.values())
        for seat in left:
            self._end(seat)
        self._join(left)

    def wait(self) -> None:
        """Wait until every node is returned whose build has ended."""
        self._join(list(self._seats.values()))

    def kill(self) -> None:
        """End all that is under way at once, and wait for nothing; from any thread."""
        self._keeper.kill()

    def _join(self, seats: Iterable[_Seat]) -> None:
        for seat in seats:
            if seat.thread is not None:
                seat.thread.join()

    def _end(self, seat: _Seat | None) -> None:
        if seat is not None:
            seat.stop.ask()
            seat.orders.put(None)
            if seat.request is None:
                self._begin(seat)

    def _fill(self) -> None:
        with self._lock:
            while self._waiting and (self._waiting[0].stop.asked or self._free >= self._waiting[0].counts):
                seat = self._waiting.popleft()
                if not seat.stop.asked:
                    self._free -= seat.counts
                    self._begin(seat)

    def _begin(self, seat: _Seat) -> None:
        """Nobody waits for its thread at the end of the program: a second interruption ends all at once."""
        if seat.thread is None:
            seat.thread = threading.Thread(target=self._sit, args=(seat,), name=f"seat {seat.id}", daemon=True)
            seat.thread.start()

    def _sit(self, seat: _Seat) -> None:
        try:
            self._live(seat)
        except Stopped:
            pass
        except BaseException as error:
            self._interrupt(error)
        finally:
            self._leave(seat)
            with self._lock:
                self._seats.pop(seat.id, None)
                self._builds = {build: one for build, one in self._builds.items() if one is not seat}

    def _leave(self, seat: _Seat) -> None:
        """Make room for another one."""
        with self._lock:
            self._free += seat.counts
            seat.counts = 0
        self._fill()

    def _live(self, seat: _Seat) -> None:
        """One node, from its launch to its return."""
        try:
            there = True
            if (asked := seat.request) is not None:
                there = self._keeper.launch(asked, seat.stop)
                self._post(NodeAnswer(0.0, asked.id, asked.item, asked.generation, asked.run, there))
            order = seat.orders.get() if there else None
            if order is not None:
                where = (0.0, order.id, order.item, order.generation, order.run)

                def paused(told: Told) -> None:
                    self._post(BuildPaused(*where, told.artifacts, told.children))
                    self._leave(seat)

                told = self._keeper.build(order, seat.stop, paused)
                self._post(BuildDone(*where, told.result, told.artifacts, told.children))
        finally:
            self._keeper.leave(seat.id, seat.stop)
