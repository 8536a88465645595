"""The one place of `gatelocal` that starts programs: from argument lists, with an end in sight, leaving none behind."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gatelocal import stopping
from gatelocal.errors import InfrastructureError
from gatelocal.model.text import LINE_LIMIT

_PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "systemd-nspawn": "systemd-container",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "newuidmap": "uidmap",
}

# How long a process may be between two programs before it counts as one without arguments.
_EXEC_SECONDS = 0.5
_TIE_SECONDS = 5.0
_CHUNK = 1 << 16
_LISTEN_SECONDS = 2.0
# How often more is read after a program has ended: a full pipe's worth, but not what a daemon goes on printing.
_LAST_CHUNKS = 32


class ProgramMissing(InfrastructureError):
    """A program that is needed is not on PATH."""

    def __init__(self, name: str) -> None:
        package = _PACKAGES.get(name, name)
        super().__init__(
            f"{name} is not installed", hint=f"install the package {package} (Debian's name) and try again"
        )


class ProgramFailed(InfrastructureError):
    """A program ended with a status other than 0; its last words are in `details`."""

    def __init__(self, argv: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"{Path(argv[0]).name} ended with status {status}", details=_tail(output))
        self.status = status


@dataclass(frozen=True, slots=True)
class Completed:
    """A program's end: its exit status and both of its streams as text."""

    status: int
    stdout: str
    stderr: str


def find(name: str) -> str:
    """The path of a program. :raises ProgramMissing: it is not on PATH (nor in the system's own folders)."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which(name, path=f"{path}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise ProgramMissing(name)
    return found


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end and return what it wrote.

    :param environment: added to this process's own variables.
    :param timeout: seconds.
    :raises ProgramMissing: no such program. :raises ProgramFailed: its status is not 0 and `check` is set.
    :raises TimeoutError: it was killed, with all that it had started, for taking longer.
    """
    child = _open(argv, cwd, environment, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
    try:
        with stopping.waiting(lambda: _signal(child)):
            out, err = child.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        _kill_group(child)
        raise TimeoutError(f"{Path(argv[0]).name} did not end within {timeout:g} s") from None
    except BaseException:
        _kill_group(child)
        raise
    done = Completed(child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    if check and done.status != 0:
        raise ProgramFailed(argv, done.status, done.stderr or done.stdout)
    return done


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    longest: int = LINE_LIMIT,
) -> int:
    """Run a program, hand over each line of its output (both streams merged) as it comes, return its status.

    What it left in the background when it ends is not waited for; what is in its process group is killed. A line
    longer than `longest` bytes is cut; time and memory do not depend on where the line breaks are.

    :param timeout: seconds for the whole run.
    :raises TimeoutError: it was killed, with all that it had started, for taking longer.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    child = _open(argv, cwd, environment, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        with stopping.waiting(lambda: _signal(child)):
            for line in _lines(child, deadline, longest):
                on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
            left = None if deadline is None else max(deadline - time.monotonic(), 0.1)
            return child.wait(left)
    except (TimeoutError, subprocess.TimeoutExpired):
        raise TimeoutError(f"{Path(argv[0]).name} did not end within {timeout:g} s") from None
    finally:
        _kill_group(child)


def pipe(
    producer: Sequence[str],
    consumer: Sequence[str],
    *,
    cwd: Path | None = None,
    into: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Feed one program's output to another (``producer | consumer``), wait for both, give the consumer's output.

    :param cwd: where the producer runs. :param into: where the consumer runs.
    :raises ProgramFailed: either of them failed. :raises TimeoutError: it took longer than `timeout` seconds.
    """
    source = _open(producer, cwd, None, stdin=subprocess.DEVNULL)
    try:
        sink = _open(consumer, into, None, stdin=source.stdout)
    except BaseException:
        _kill_group(source)
        raise
    if source.stdout is not None:
        source.stdout.close()
        source.stdout = None
    words, listener = _listen(source.stderr)
    try:
        with stopping.waiting(lambda: _signal(source, sink)):
            told, sink_errors = sink.communicate(timeout=timeout)
            source.wait(timeout)
            listener.join(_LISTEN_SECONDS)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{Path(producer[0]).name} did not end within {timeout:g} s") from None
    finally:
        _kill_group(source, sink)
    for argv, child, errors in ((consumer, sink, sink_errors), (producer, source, bytes(words))):
        if child.returncode != 0:
            raise ProgramFailed(argv, child.returncode, errors.decode("utf-8", "replace"))
    return told.decode("utf-8", "replace")


def _listen(stream: IO[bytes] | None) -> tuple[bytearray, threading.Thread]:
    """The last words of a stream, read by a thread for as long as it is open: whoever writes there never waits."""
    words = bytearray()

    def listen() -> None:
        with contextlib.suppress(OSError, ValueError):
            while stream is not None and (piece := os.read(stream.fileno(), _CHUNK)):
                words.extend(piece)
                del words[:-_CHUNK]

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    return words, thread


def attach(argv: Sequence[str]) -> int:
    """Run a program on this terminal (a shell for a person) and return its status."""
    find(argv[0])
    return subprocess.run(list(argv), check=False).returncode


@dataclass(frozen=True, slots=True)
class Child:
    """A program in the background: a server, a machine.

    :ivar log: the file that its output goes to.
    """

    handle: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's as well."""
        return self.handle.pid

    def ended(self) -> int | None:
        """Its exit status (negative: minus the signal's number); None while it runs."""
        return self.handle.poll()

    def last_words(self, lines: int = 20) -> str:
        """The end of its log."""
        return _tail(self.log.read_text(errors="replace"), lines) if self.log.exists() else ""

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end, wait `grace` seconds, then kill it and all that it started. Twice is harmless."""
        if self.ended() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.handle.wait(grace)
        _kill_group(self.handle)


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    outlive: bool = False,
) -> Child:
    """Start a program in the background in a process group of its own, its output going to `log`.

    :param outlive: it goes on when this process ends. Otherwise the kernel sends it SIGTERM then, however this
        process ends; for that, call from a thread that lives as long as the child is wanted. It is tied to this process
        when the call returns.
    """
    tie = () if outlive else _tied_to_parent()
    with log.open("ab") as output:
        child = _open(
            (*tie, *argv), cwd, environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    _wait_for_tie(child.pid, tie)
    return Child(child, log)


def _wait_for_tie(pid: int, tie: Sequence[str]) -> None:
    """Wait until the tying program has made place for the one that is meant: a process killed before left an orphan."""
    deadline = time.monotonic() + _TIE_SECONDS
    while tie and arguments(pid)[: len(tie)] == tie and time.monotonic() < deadline:
        time.sleep(0.001)


def stop_by_pid(pid: int, grace: float = 10.0) -> bool:
    """Stop a process group that another process started: SIGTERM, `grace` seconds, SIGKILL. False: it was gone."""
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        if not is_running(pid):
            return True
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return True


def is_running(pid: int) -> bool:
    """Whether there is a process of that id that has not ended (one nobody waited for has ended)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def arguments(pid: int) -> tuple[str, ...]:
    """The argument list of a running process, as the kernel has it; empty: it has ended, or has none.

    While a program is being replaced by another (``execve``) the list is empty for a moment: that is waited out.
    """
    deadline = time.monotonic() + _EXEC_SECONDS
    while is_running(pid):
        with contextlib.suppress(OSError):
            if words := Path(f"/proc/{pid}/cmdline").read_bytes():
                return tuple(word.decode("utf-8", "surrogateescape") for word in words.removesuffix(b"\0").split(b"\0"))
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    return ()


def _lines(child: subprocess.Popen[bytes], deadline: float | None, longest: int) -> Iterator[bytes]:
    """The lines of a child's output until it is closed, or until the child has ended and nothing more comes.

    A program that left the child's process group may keep the output open for ever: this never waits for it. A line
    that was begun is given as well.

    :raises TimeoutError: the deadline, a reading of the monotonic clock, has passed.
    """
    if child.stdout is None:
        return
    end = child.stdout.fileno()
    readable = select.poll()
    readable.register(end, select.POLLIN)
    line = _Line(longest)
    ended, after = False, 0
    while after < _LAST_CHUNKS:
        if deadline is not None and time.monotonic() >= deadline:
            if line.size:  # what it was at when its time was over
                yield line.take()
            raise TimeoutError
        wait = 0.25 if deadline is None else min(0.25, max(deadline - time.monotonic(), 0))
        ended = ended or child.poll() is not None
        if readable.poll(wait * 1000):
            chunk = os.read(end, _CHUNK)
            if not chunk:
                break
            *whole, rest = chunk.split(b"\n")
            for piece in whole:
                line.add(piece)
                yield line.take()
            line.add(rest)
            after += ended
        elif ended:
            break
    if line.size:
        yield line.take()


class _Line:
    """The line that is being read, of which no more is kept than is handed over."""

    def __init__(self, longest: int) -> None:
        self._kept = bytearray()
        self._longest = longest
        self.size = 0

    def add(self, piece: bytes) -> None:
        """The line goes on."""
        self.size += len(piece)
        self._kept += piece[: max(self._longest - len(self._kept), 0)]

    def take(self) -> bytes:
        """The line as it stands; a new one begins."""
        line, missing = bytes(self._kept), self.size - len(self._kept)
        self._kept.clear()
        self.size = 0
        return line + b" ... (%d more bytes)" % missing if missing else line


def _tied_to_parent() -> tuple[str, ...]:
    try:
        return (find("setpriv"), "--pdeathsig", "TERM", "--")
    except ProgramMissing:
        return ()


def _open(
    argv: Sequence[str],
    cwd: Path | None,
    environment: Mapping[str, str] | None,
    *,
    stdin: int | IO[bytes] | None,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    stopping.check()
    return subprocess.Popen(
        [find(argv[0]), *argv[1:]],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def _signal(*children: subprocess.Popen[bytes]) -> None:
    """Kill them with all that they have started; whoever waits for them notices."""
    for child in children:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _kill_group(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        _signal(child)
        child.wait()
        for end in (child.stdin, child.stdout, child.stderr):
            if end is not None:
                end.close()


def _tail(text: str, lines: int = 20) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])
