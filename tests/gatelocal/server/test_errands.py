"""Errands beside the loop: order in a line, none between lines, and what fails is tried again before the next."""

from __future__ import annotations

import queue
import threading

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.server import errands
from gatelocal.server.errands import Errands


def made(interrupt: list[BaseException] | None = None) -> tuple[Errands, list[str]]:
    said: list[str] = []
    failed = [] if interrupt is None else interrupt
    return Errands(4, failed.append, said.append), said


def test_what_is_in_one_line_is_done_in_order() -> None:
    found, _ = made()
    done: queue.Queue[int] = queue.Queue()
    for at in range(50):
        found.add("change 1", lambda at=at: done.put(at))
    assert [done.get(timeout=10) for _ in range(50)] == list(range(50))


def test_lines_do_not_wait_for_one_another() -> None:
    found, _ = made()
    gate, done = threading.Event(), threading.Event()
    found.add("change 1", lambda: gate.wait(10) and None)
    found.add("change 2", done.set)
    assert done.wait(10)
    gate.set()


def test_what_fails_is_tried_again_and_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = made()
    monkeypatch.setattr(errands, "_FIRST", 0.01)
    done: queue.Queue[str] = queue.Queue()
    troubles: list[dict[str, str]] = []

    def first() -> None:
        troubles.append(dict(found.troubles))
        if len(troubles) < 3:
            raise InfrastructureError("no server")
        done.put("first")

    found.add("change 1", first)
    found.add("change 1", lambda: done.put("second"))
    assert [done.get(timeout=10), done.get(timeout=10)] == ["first", "second"]
    assert troubles == [{}, {"change 1": "no server"}, {"change 1": "no server"}]
    assert [line.partition(";")[0] for line in said] == ["change 1: no server"] * 2


def test_a_mistake_of_ours_ends_everything() -> None:
    failed: list[BaseException] = []
    told = threading.Event()
    found = Errands(1, lambda error: (failed.append(error), told.set())[0], lambda _: None)
    found.add("x", lambda: {}["x"])
    assert told.wait(10)
    assert isinstance(failed[0], KeyError)


def test_what_is_closed_begins_nothing_more() -> None:
    found, _ = made()
    found.close()
    began = threading.Event()
    found.add("x", began.set)
    assert not began.wait(0.2)
