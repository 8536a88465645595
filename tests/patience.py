"""How much is too much on this machine: no test fails because a machine is slow, or busy with something else.

What has to come in the end is waited for with :func:`until`, which is quick when all is well. What must not take work
out of all proportion is held to :func:`within`, which counts this process's own work, not the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG = 120.0
"""Seconds in which anything comes that comes at all, on the slowest of machines."""


def until(condition: Callable[[], object], seconds: float = LONG) -> bool:
    """Whether the condition comes true before so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block costs this process no more than that on an ordinary machine: processor time, scaled to this machine."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds * (slow := _slowness()), f"{took:.1f} s of work, {seconds} s allowed (machine: {slow:.1f})"


def _slowness() -> float:
    """How many times longer this machine takes for a small piece of work than an ordinary one; at least 1."""
    began = time.process_time()
    sum(number * number for number in range(200_000))
    return max(1.0, (time.process_time() - began) / 0.02)
