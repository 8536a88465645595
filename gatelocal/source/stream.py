"""Gerrit's event stream over the system's ssh, as hints at what to read again; nothing that it says is believed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say
from gatelocal.stopping import Stop, Stopped, stoppable
from git_review.gerrit.address import Remote
from git_review.gerrit.ssh import command

_ALIVE = ("-o", "ServerAliveInterval=30", "-o", "ServerAliveCountMax=3", "-o", "BatchMode=yes")
_FIRST, _MOST = 1.0, 60.0
_OPENING = 5.0  # seconds after which it is open, if it ever is
_GOOD = 30.0  # seconds after which a connection counts as one that worked


@dataclass(frozen=True, slots=True)
class Hint:
    """What may be different now.

    :ivar number: a change, 0 for none. :ivar project: the change's, or whose branches have moved; with `tag` its tags.
    :ivar gap: events were lost: everything may be different.
    """

    number: int = 0
    project: str = ""
    gap: bool = False
    tag: bool = False


def hint_of(line: str) -> Hint | None:
    """What a line of the stream hints at; None: at nothing that a gate reads."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    if event.get("type") == "dropped-output":
        return Hint(gap=True)
    match event:
        case {"change": {"number": int() | str() as number, "project": str(project)}} if str(number).isdigit():
            return Hint(int(number), project)
        case {"refUpdate": {"refName": str(ref), "project": str(project)}}:
            return _of_ref(ref, project)
        case _:
            return None


def _of_ref(ref: str, project: str) -> Hint | None:
    """``refName`` of a branch is written in full or short, by the server's version; notes and users are noise."""
    if ref.startswith("refs/tags/"):
        return Hint(project=project, tag=True)
    if ref.startswith("refs/") and not ref.startswith("refs/heads/"):
        return None
    return Hint(project=project)


class Stream:
    """The stream, opened again whenever it ends.

    :param options: for ssh, before the host. :param on_hint: is called by a thread that must not wait.
    :ivar up: whether it is open. :ivar heard: when the last line came, by the monotonic clock.
    """

    def __init__(self, remote: Remote, options: Sequence[str], on_hint: Callable[[Hint], None], say: Say) -> None:
        self._argv = (*command(("ssh", *_ALIVE, *options), remote), "gerrit", "stream-events")
        self._on_hint = on_hint
        self._say = say
        self._connection = Stop()
        self._over = False
        self.up = False
        self.heard = 0.0

    def follow(self) -> None:
        """Listen until :meth:`close`."""
        wait = _FIRST
        while not self._over:
            self._connection = Stop()
            began = time.monotonic()
            self._once()
            if self._over:
                return
            wait = _FIRST if time.monotonic() - began > _GOOD else min(wait * 2, _MOST)
            self._pause(wait)

    def renew(self) -> None:
        """Open it anew: it has gone silent."""
        self._connection.ask()

    def close(self) -> None:
        """Listen no more."""
        self._over = True
        self._connection.ask()

    def _once(self) -> None:
        last = [""]

        def on_line(line: str) -> None:
            self.heard = time.monotonic()
            last[0] = line
            if (hint := hint_of(line)) is not None:
                self._on_hint(hint)

        self.up = True
        self._on_hint(Hint(gap=True))  # whatever has happened before it was open; when it is, nobody tells
        again = threading.Timer(_OPENING, self._on_hint, (Hint(gap=True),))
        again.daemon = True
        again.start()
        try:
            with stoppable(self._connection):
                status = process.stream(self._argv, on_line)
            if not self._over:
                self._say(f"the event stream has ended (status {status}): {last[0][:200]}")
        except Stopped:
            pass
        except (InfrastructureError, OSError) as error:
            self._say(f"the event stream cannot be opened: {error}")
        finally:
            again.cancel()
            self.up = False

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._over and time.monotonic() < end:
            time.sleep(0.1)
