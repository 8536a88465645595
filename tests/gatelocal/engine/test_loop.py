"""The inbox of a gate and its hands: order, time, and the same action twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gatelocal import stopping
from gatelocal.engine.asked import layout
from gatelocal.engine.hands import Line, LocalHands
from gatelocal.engine.loop import Inbox
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.work import Preparation
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Ref
from gatelocal.pipeline.actions import Look, Prepare, ReadServer, Submit, WakeAt
from gatelocal.pipeline.events import Looked, Prepared, ServerRead, Started, Submitted, Woken
from tests.fakes.one_line import OneLine, asking, change


def test_events_of_any_thread_come_out_one_at_a_time_with_the_time_of_that() -> None:
    seconds = iter(range(100, 200))
    inbox = Inbox(lambda: float(next(seconds)))
    threads = [threading.Thread(target=inbox.put, args=(Started(0.0),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert [inbox.take() for _ in threads] == [Started(float(at)) for at in range(100, 105)]


def test_a_wish_to_be_woken_comes_true_once_and_the_latest_counts() -> None:
    now = 50.0
    inbox = Inbox(lambda: now)
    inbox.wake_at(1000.0)
    inbox.wake_at(49.0)
    assert inbox.take() == Woken(50.0)
    inbox.put(Started(0.0))
    assert inbox.take() == Started(50.0)


def test_nobody_waits_longer_than_wanted() -> None:
    inbox = Inbox(lambda: 50.0)
    assert inbox.take(until=49.0) is None
    inbox.wake_at(40.0)
    assert inbox.take(until=49.0) == Woken(50.0)
    inbox.put(Started(0.0))
    assert inbox.take(until=49.0) == Started(50.0)


def test_what_ends_everything_is_raised_in_the_loop() -> None:
    inbox = Inbox(lambda: 0.0)
    inbox.interrupt(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        inbox.take()


@pytest.fixture
def line(tmp_path: Path) -> OneLine:
    return OneLine(tmp_path)


def hands(line: OneLine, inbox: Inbox, asked: list[Prepare]) -> LocalHands:
    question = asking(change(1), {change(1): ()})

    def make(action: Prepare) -> Preparation:
        asked.append(action)
        raise InfrastructureError("no server")

    tools = line.tools()
    return LocalHands(tools, inbox, Line(make, lambda _: layout(question, "gate"), RunFolder(tools.logs)))


def test_the_same_action_twice_gives_the_first_answer(line: OneLine) -> None:
    inbox, asked = Inbox(lambda: 7.0), list[Prepare]()
    found = hands(line, inbox, asked)
    action = Prepare(3, 1, 1, (), of=(Ref("x", 1),))
    assert found.carry_out(action) is None and found.carry_out(action) is None
    answer = inbox.take()
    assert len(asked) == 1
    assert isinstance(answer, Prepared) and (answer.action, answer.at) == (3, 7.0)
    assert answer.graphs[0].problem == "no server"
    look = found.carry_out(Look(4, 1, 1, ()))
    assert isinstance(look, Looked) and found.carry_out(Look(4, 1, 1, ("other",))) is look


def test_a_preparation_that_does_not_end_is_given_up_and_told(line: OneLine) -> None:
    inbox, ended, question, tools = (
        Inbox(lambda: 7.0),
        threading.Event(),
        asking(change(1), {change(1): ()}),
        line.tools(),
    )

    def make(action: Prepare) -> Preparation:
        try:
            with stopping.waiting(ended.set):
                ended.wait(60.0)
        except stopping.Stopped:
            ended.set()  # it may be stopped before it has come to wait
            raise
        raise AssertionError("it was not stopped")

    endless = Line(make, lambda _: layout(question, "gate"), RunFolder(tools.logs), limit=0.05)
    found = LocalHands(tools, inbox, endless)
    found.carry_out(Prepare(3, 1, 1, (), of=(Ref("x", 1),)))
    answer = inbox.take(67.0)
    assert isinstance(answer, Prepared) and "took more than" in answer.graphs[0].problem
    assert isinstance(found.failed, InfrastructureError) and RunFolder(tools.logs).failed() is not None
    assert ended.wait(60.0)
    found.end()
    assert inbox.take(7.0) is None


def test_what_such_a_gate_never_does_is_answered_all_the_same(line: OneLine) -> None:
    inbox = Inbox(lambda: 7.0)
    found = hands(line, inbox, [])
    answer = found.carry_out(Submit(1, 1, Ref("x", 1), (), "gate"))
    assert isinstance(answer, Submitted) and answer.answer == "refused"
    assert isinstance(found.carry_out(ReadServer(2)), ServerRead)
    found.carry_out(WakeAt(5, 1.0))
    assert inbox.take() == Woken(7.0)
