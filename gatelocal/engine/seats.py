"""Nodes and builds beside the loop: each node request has a seat, a thread that lives from its launch to its return.

So that what a node needs to run is always started by a thread that outlives it. Every seat ends by itself, or is ended.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol

from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.pipeline.events import BuildDone, Event, NodeAnswer, NodeWaits
from gatelocal.ports import Node
from gatelocal.stopping import Stop, Stopped, stoppable


class Keeper(Protocol):
    """What is done on a seat."""

    def launch(self, request: RequestNode) -> Node | None:
        """A node for it; None when there is none to be had."""

    def build(self, order: StartBuild, node: Node, stop: Stop) -> tuple[str, bool]:
        """Run a build; its result for the gate, and whether the node stays with a person."""


@dataclass(slots=True, eq=False)
class _Seat:
    """:ivar orders: the build that the node is for; None when it is not wanted any more."""

    request: RequestNode
    stop: Stop = field(default_factory=Stop)
    orders: SimpleQueue[StartBuild | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None


class Seats:
    """Those who wait for a node or have one.

    :param width: how many may have one at the same time. :param post: receives what happens on them.
    :param interrupt: receives what ends everything: an interruption, or a mistake of ours.
    """

    def __init__(
        self, width: int, keeper: Keeper, post: Callable[[Event], None], interrupt: Callable[[BaseException], None]
    ) -> None:
        self._free = width
        self._keeper = keeper
        self._post = post
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._waiting: deque[_Seat] = deque()
        self._seats: dict[int, _Seat] = {}
        self._builds: dict[int, _Seat] = {}

    def request(self, action: RequestNode) -> None:
        """Have a node made as soon as there is room."""
        seat = _Seat(action)
        with self._lock:
            self._seats[action.id] = seat
            self._waiting.append(seat)
            full = not self._free
        if full:
            self._post(NodeWaits(0.0, action.id, action.item, action.generation, action.run))
        self._fill()

    def drop(self, request: int) -> None:
        """A node is not wanted any more, whether it is there or not."""
        self._end(self._seats.get(request))

    def start(self, order: StartBuild) -> None:
        """Run a build on the node of its request."""
        seat = self._seats[order.request]
        self._builds[order.id] = seat
        seat.orders.put(order)

    def cancel(self, build: int) -> None:
        """Stop a build, if it still runs."""
        self._end(self._builds.get(build))

    def close(self) -> None:
        """End all that is under way, and wait until every node is returned."""
        with self._lock:
            self._waiting.clear()
            left = list(self._seats.values())
        for seat in left:
            self._end(seat)
        for seat in left:
            if seat.thread is not None:
                seat.thread.join()

    def wait(self) -> None:
        """Wait until every node is returned."""
        for seat in list(self._seats.values()):
            if seat.thread is not None:
                seat.thread.join()

    def _end(self, seat: _Seat | None) -> None:
        if seat is not None:
            seat.stop.ask()
            seat.orders.put(None)

    def _fill(self) -> None:
        with self._lock:
            while self._free and self._waiting:
                seat = self._waiting.popleft()
                if seat.stop.asked:
                    continue
                self._free -= 1
                # Nobody waits for it at the end of the program: a second interruption ends all at once, and what a
                # node leaves is removed by its guard.
                seat.thread = threading.Thread(target=self._sit, args=(seat,), name=seat.request.job, daemon=True)
                seat.thread.start()

    def _sit(self, seat: _Seat) -> None:
        try:
            self._live(seat)
        except Stopped:
            pass
        except BaseException as error:
            self._interrupt(error)
        finally:
            with self._lock:
                self._free += 1
            self._fill()

    def _live(self, seat: _Seat) -> None:
        """One node, from its launch to its return."""
        asked = seat.request
        with stoppable(seat.stop):
            node = self._keeper.launch(asked)
        held = False
        try:
            self._post(NodeAnswer(0.0, asked.id, asked.item, asked.generation, asked.run, node is not None))
            order = seat.orders.get() if node is not None else None
            if order is not None and node is not None:
                with stoppable(seat.stop):
                    result, held = self._keeper.build(order, node, seat.stop)
                self._post(BuildDone(0.0, order.id, order.item, order.generation, order.run, result))
        finally:
            if node is not None and not held:
                node.close()
