"""A connection for a push, opened before it is known whether there will be one; nothing is sent over it before that.

ssh connects and logs in at once, and is held there, where the server has nothing to do for it. Let go, it brings the
server's refs, which are kept. `git push` then starts a small script in place of ssh, which hands on what was kept and
joins git to the connection. Whatever is unusual leaves git a connection of its own. Linux only: processes find one
another's pipes in ``/proc``, so that no file is left behind, and nobody waits for somebody who is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from git_review.git import watch
from git_review.git.errors import GitSilent
from git_review.git.runner import LARGEST, Runner, told

GOOD_FOR = 10.0
"""Seconds for which a server is kept waiting for the commits."""
_GRACE = 0.5
"""Seconds that ssh has to end by itself."""
_QUIET = tuple("-o BatchMode=yes -o ControlMaster=no -o ClearAllForwardings=yes -o PermitLocalCommand=yes".split())
"""Nobody is asked for anything, no other ssh comes to depend on this one, and no port of another one's is taken."""
_HELD = "LocalCommand=cat<{gate}"
"""What ssh waits for between the login and the command: nothing is written there, but one day it is closed."""
# The status is there before the output ends, with which all that waits for that goes on.
_KEEPING_STATUS = '"$@"; echo $? >"$0"'
_SIZE = re.compile(rb"[0-9a-fA-F]{4}")
_SCRIPT = """\
joined() {{
if [ "$*" != {words} ] || ! read -r turn 2>/dev/null <{turn}; then
    exec {ssh} "$@"
fi
exec 3<&0 4>{input} 5<{output} 6<{errors}
echo >{joined}
cat <&3 >&4 3<&- 4>&- 5<&- &
feeder=$!
exec 3<&- 4>&-
[ ! -s {errors} ] || cat <&6 >&2
cat {refs} - <&5
kill "$feeder" 2>/dev/null
[ ! -s {errors} ] || cat <&6 >&2
read -r status <{status}
exit "${{status:-255}}"
}}
joined"""
"""What git's shell does in place of starting ssh: for these words alone, and once."""


class Early:
    """One such connection. To be used in a ``with`` statement, after which nothing of it is left.

    :param ssh: the words that OpenSSH is started with. :param words: those that git would add: port, host, command.
    :raises OSError: it cannot be had here.
    """

    def __init__(self, runner: Runner, ssh: Sequence[str], words: Sequence[str]) -> None:
        self._runner = runner
        self._ssh, self._words = tuple(ssh), tuple(words)
        self._ends: dict[str, int] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._said = b""
        self._rows: list[bytes] | None = None
        self._when = 0.0
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Early:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def let_go(self) -> None:
        """Have the server set to work; may be called from any thread, and again."""
        self._drop("held")

    def obeys(self) -> bool:
        """Wait until it is let go. False: it went on by itself, or ended, as an ssh that goes over another one's
        connection does.
        """
        output = self._ends["output"]
        return output not in _readable((output, self._ends["gate"]), None)

    def tip(self, ref: str) -> str | None:
        """The commit id of one of the server's refs; its answer is waited for. None where it tells none, or strangely.

        From here on the server is at work for the connection: nothing else should be asked of it before `close`, as
        there are servers that do one thing at a time.

        :raises GitSilent: it says nothing for too long.
        """
        wanted = ref.encode("utf-8", "surrogateescape")
        rows = (row.partition(b"\0")[0].rstrip(b"\n").partition(b" ") for row in self._packets())
        return next((sha.decode("ascii", "replace") for sha, _, name in rows if name == wanted), None)

    def environment(self) -> Mapping[str, str]:
        """The variables with which a push uses the connection; none when it cannot be relied on.

        :raises GitSilent: as for :meth:`tip`.
        """
        if not self._packets() or self._thread is not None or not self._lives():
            self.close()
            return {}
        with os.fdopen(self._ends["refs"], "wb", closefd=False) as kept:
            kept.write(self._said)
        os.write(self._ends["fill"], b"\n")
        self._drop("fill")
        places = {name: _place(end) for name, end in self._ends.items()}
        script = _SCRIPT.format(ssh=shlex.join(self._ssh), words=shlex.quote(" ".join(self._words)), **places)
        self._thread = threading.Thread(target=self._hand_over, daemon=True)
        self._thread.start()
        return {"GIT_SSH_COMMAND": script, "GIT_SSH_VARIANT": "ssh"}

    def close(self) -> None:
        """End the connection; a server that waits is told that there is no push, unless there was one."""
        if self._thread is not None:
            os.write(self._ends["joined"], b"\n")
            self._thread.join()
            self._thread = None
        elif self._rows and "input" in self._ends:
            with contextlib.suppress(OSError):
                os.write(self._ends["input"], b"0000")
        self._drop("input", "output")
        if self._child is not None:
            _end(self._child, _GRACE if self._rows else 0.0)
            self._child = None
        self._drop(*self._ends)
        self._rows = []

    def _start(self) -> None:
        if not hasattr(os, "memfd_create") or Path("/proc/self").readlink().name != str(os.getpid()):
            raise OSError("processes cannot find one another's pipes here")
        ends = self._ends
        stdin, ends["input"] = os.pipe()
        ends["output"], stdout = os.pipe()
        try:
            for reader, writer in (("gate", "held"), ("turn", "fill"), ("heard", "joined")):
                ends[reader], ends[writer] = os.pipe()
            for name in ("refs", "status", "errors"):
                ends[name] = os.memfd_create(name)
            held = ("-o", _HELD.format(gate=_place(ends["gate"])))
            argv = ("sh", "-c", _KEEPING_STATUS, _place(ends["status"]), *self._ssh, *_QUIET, *held, *self._words)
            self._child = self._runner.apart(argv, (*self._ssh, *self._words), (stdin, stdout, ends["errors"]))
        finally:
            for end in (stdin, stdout):
                os.close(end)

    def _packets(self) -> list[bytes]:
        """What the server says first, packet by packet; none where that is something else, or not whole."""
        if self._rows is None:
            self._rows = []
            self.let_go()
            self._rows, self._said = _advertised(self._pieces())
            self._when = time.monotonic()
        return self._rows

    def _pieces(self) -> Iterator[bytes]:
        """What comes, as it comes. :raises GitSilent: nothing does, for too long."""
        argv, patience = (*self._ssh, *self._words), self._runner.patience
        noticed = self._runner.waiting is None
        last = time.monotonic()
        while True:
            silence = time.monotonic() - last
            if patience is not None and silence >= patience:
                raise GitSilent(argv, patience, "")
            if not noticed and silence >= watch.NOTICE and self._runner.waiting is not None:
                noticed = True
                self._runner.waiting(told(argv))
            limits = [] if noticed else [watch.NOTICE - silence]
            limits += [] if patience is None else [patience - silence]
            if not _readable((self._ends["output"],), max(0.0, min(limits)) if limits else None):
                continue
            piece = os.read(self._ends["output"], 65536)
            if not piece:
                return
            last = time.monotonic()
            yield piece

    def _lives(self) -> bool:
        """Whether the server waits for the commits, and has not for long."""
        young = time.monotonic() - self._when < GOOD_FOR
        quiet = not _readable((self._ends["output"],), 0)
        return young and quiet and self._child is not None and self._child.poll() is None

    def _hand_over(self) -> None:
        """Once git is joined to the connection, each end is one program's alone, so that its end is noticed."""
        os.read(self._ends["heard"], 1)
        self._drop("input", "output")

    def _drop(self, *names: str) -> None:
        for name in names:
            end = self._ends.pop(name, None)
            if end is not None:
                os.close(end)


def _place(end: int) -> str:
    """Where other programs find it, as long as this one runs."""
    return f"/proc/{os.getpid()}/fd/{end}"


def _advertised(pieces: Iterable[bytes]) -> tuple[list[bytes], bytes]:
    """The packets of an answer, and all of it; nothing where it is something else, or not whole.

    Source: git's ``gitprotocol-pack``, "Reference Discovery": packets, each with its size before it, and "0000" behind.
    """
    rows: list[bytes] = []
    data, at = bytearray(), 0
    for piece in pieces:
        data += piece
        if len(data) > LARGEST:
            break
        while len(data) >= at + 4:
            head = bytes(data[at : at + 4])
            if head == b"0000":
                return (rows, bytes(data)) if len(data) == at + 4 else ([], b"")
            if not _SIZE.fullmatch(head) or int(head, 16) <= len(head):
                return [], b""
            if len(data) < at + int(head, 16):
                break
            rows.append(bytes(data[at + 4 : at + int(head, 16)]))
            at += int(head, 16)
    return [], b""


def _readable(ends: Iterable[int], seconds: float | None) -> list[int]:
    """Those of the file descriptors from which something can be read, or never will; they are waited for."""
    with selectors.DefaultSelector() as waiting:
        for end in ends:
            waiting.register(end, selectors.EVENT_READ)
        return [key.fd for key, _ in waiting.select(seconds)]


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    """End ssh, which is in a session of its own with what it started."""
    for seconds, stop in ((grace, signal.SIGTERM), (1.0, signal.SIGKILL), (1.0, None)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return
        if stop is not None:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, stop)
