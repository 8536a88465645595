"""Waits for a program that waits for a server: no longer than it may be silent, and with a word on what is waited for.

Each sign of life starts the time anew, so that a long transfer is never cut off; it judges no word of what it hears.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from git_review.records import dataclass

NOTICE = 5.0
"""Seconds of silence after which the person is told what is waited for."""


class Silent(Exception):
    """Nothing came for too long; the program has been ended. :ivar said: what had come, by stream."""

    def __init__(self, said: Mapping[int, bytes]) -> None:
        super().__init__("no word in time")
        self.said = said


class TooMuch(Exception):
    """More came than is taken; the program has been ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may take.

    :ivar silence: seconds without a byte; None is no limit. :ivar whole: seconds until its end.
    :ivar size: bytes of all that it says. :ivar notice: called once, when nothing has come for NOTICE seconds.
    """

    silence: float | None = None
    whole: float | None = None
    size: int | None = None
    notice: Callable[[], None] | None = None


def watched(
    child: subprocess.Popen[bytes], limits: Limits, heard: Callable[[bytes], None] | None = None
) -> dict[int, bytes]:
    """What the program says on each of its pipes until it closes them, by file descriptor.

    :param heard: called with what came on standard output, as it comes.
    :raises Silent: a time limit. :raises TooMuch: the limit of size. The program is ended before.
    """
    pipes = [pipe.fileno() for pipe in (child.stdout, child.stderr) if pipe is not None]
    parts: dict[int, list[bytes]] = {number: [] for number in pipes}
    began = last = time.monotonic()
    told = limits.notice is None
    size = 0
    with selectors.DefaultSelector() as waiting:
        for number in pipes:
            waiting.register(number, selectors.EVENT_READ)
        while waiting.get_map():
            now = time.monotonic()
            left = _left(limits, now, began, last)
            if left is not None and left <= 0:
                end(child)
                raise Silent({number: b"".join(got) for number, got in parts.items()})
            if not told and now - last >= NOTICE and limits.notice is not None:
                told = True
                limits.notice()
            pause = None if told else max(0.0, NOTICE - (now - last))
            for key, _ in waiting.select(min((one for one in (left, pause) if one is not None), default=None)):
                data = os.read(key.fd, 65536)
                last = time.monotonic()
                if not data:
                    waiting.unregister(key.fd)
                    continue
                size += len(data)
                if limits.size is not None and size > limits.size:
                    end(child)
                    raise TooMuch
                parts[key.fd].append(data)
                if heard is not None and key.fd == pipes[0]:
                    heard(data)
    return {number: b"".join(got) for number, got in parts.items()}


def end(child: subprocess.Popen[bytes]) -> None:
    """End a program and those that it started, such as git's ssh, which would not notice."""
    below = _below(child.pid)
    for stop in (child.terminate, child.kill):
        stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(1)
            break
    for one in below:
        with contextlib.suppress(OSError):
            os.kill(one, 15)


def _left(limits: Limits, now: float, began: float, last: float) -> float | None:
    found = [] if limits.silence is None else [last + limits.silence - now]
    found += [] if limits.whole is None else [began + limits.whole - now]
    return min(found, default=None)


def _below(parent: int) -> list[int]:
    """The processes below one, where the system tells them (Linux)."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for place in Path(f"/proc/{parent}/task").iterdir():
            for word in (place / "children").read_text().split():
                found += [int(word), *_below(int(word))]
    return found
