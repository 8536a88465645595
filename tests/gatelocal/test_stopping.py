"""Operations in threads of their own, ended from outside: what they wait for ends, and nothing more is begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.stopping import Stop, Stopped, stoppable, waiting
from tests.patience import within


def stopped(operation: Callable[[Callable[[str], None]], object]) -> list[str]:
    """Run it in a thread and end it when it says something; what it said, and how it ended."""
    stop, said = Stop(), list[str]()
    up = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        up.set()

    def body() -> None:
        try:
            with stoppable(stop):
                operation(say)
        except Stopped:
            said.append("stopped")

    thread = threading.Thread(target=body)
    thread.start()
    assert up.wait(20)
    with within(20):
        stop.ask()
        stop.ask()
        thread.join()
    return said


def test_a_program_that_is_followed_ends_with_all_that_it_started(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/child; echo up; wait"
    assert stopped(lambda say: process.stream(["sh", "-c", script], say)) == ["up", "stopped"]
    with within(20):
        while process.is_running(int((tmp_path / "child").read_text())):
            pass


def test_a_program_that_is_waited_for_ends() -> None:
    def operation(say: Callable[[str], None]) -> None:
        say("up")
        process.run(["sleep", "600"])

    assert stopped(operation) == ["up", "stopped"]


def test_nothing_is_begun_after_the_end() -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Stopped), stoppable(stop):
        process.run(["true"])
    with pytest.raises(Stopped), stoppable(stop), waiting(lambda: None):
        raise AssertionError("the block is not entered")
    assert process.run(["true"]).status == 0


def test_two_operations_end_apart() -> None:
    one, other = Stop(), Stop()
    one.ask()
    with stoppable(other):
        assert process.run(["true"]).status == 0
        with pytest.raises(Stopped), stoppable(one):
            process.run(["true"])
        assert process.run(["true"]).status == 0
