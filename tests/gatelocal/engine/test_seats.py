"""How many builds there may be at the same time, when some of them count for several; nodes are made of nothing."""

from __future__ import annotations

import threading

from gatelocal.engine.seats import Seats
from gatelocal.pipeline.actions import RequestNode
from gatelocal.pipeline.events import Event, NodeAnswer, NodeWaits
from gatelocal.stopping import Stop
from tests.patience import until


class Keeper:
    """Makes nodes at once. :ivar up: the requests whose nodes are there."""

    def __init__(self) -> None:
        self.up: set[int] = set()
        self._gone = threading.Condition()

    def launch(self, request: RequestNode, stop: Stop) -> bool:
        self.up.add(request.id)
        return True

    def leave(self, request: int, stop: Stop) -> None:
        self.up.discard(request)


def seated(width: int, weights: dict[int, int]) -> tuple[Seats, Keeper, list[Event]]:
    keeper, told = Keeper(), list[Event]()
    seats = Seats(width, keeper, told.append, told.append, lambda one: weights[one.id])  # type: ignore[arg-type]
    for number in weights:
        seats.request(RequestNode(number, 1, 1, number, f"job{number}", "c", "gate", 1))
    return seats, keeper, told


def up(keeper: Keeper, *expected: int) -> bool:
    return until(lambda: keeper.up == set(expected))


def test_one_that_counts_for_several_waits_until_there_is_room_and_nobody_overtakes_it() -> None:
    seats, keeper, told = seated(3, {1: 1, 2: 1, 3: 2, 4: 1})
    assert up(keeper, 1, 2)
    assert until(lambda: {one.action for one in told if isinstance(one, NodeAnswer)} == {1, 2})
    assert [one.action for one in told if isinstance(one, NodeWaits)] == [3, 4]
    seats.drop(1)
    assert up(keeper, 2, 3)
    seats.drop(3)
    assert up(keeper, 2, 4)
    seats.close()
    assert up(keeper)


def test_one_that_counts_for_more_than_there_may_be_is_alone() -> None:
    seats, keeper, _ = seated(2, {1: 9, 2: 1})
    assert up(keeper, 1)
    seats.drop(1)
    assert up(keeper, 2)
    seats.close()


def test_one_that_is_not_wanted_any_more_holds_up_nobody() -> None:
    seats, keeper, _ = seated(2, {1: 1, 2: 2, 3: 1})
    assert up(keeper, 1)
    seats.drop(2)
    seats.drop(1)
    assert up(keeper, 3)
    seats.close()
