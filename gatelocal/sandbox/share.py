"""One sandbox for several processes, such as the workers of one test run: the first makes it, the last takes it away.

Each user holds a lock that the kernel gives back when the user ends, however it ends. A guard process owns the server
and stops it when nobody holds the lock any more; it promises nothing to a user who is not in the block.
"""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.sandbox.identity import write_secret
from gatelocal.sandbox.locks import turn
from gatelocal.sandbox.server import Server, load
from gatelocal.sandbox.start import Places, start
from git_review.errors import ReviewError

_PATIENCE = 900.0


@contextmanager
def shared(version: str, directory: Path, places: Places) -> Iterator[Server]:
    """The server of that version that everybody who names the same `directory` shares.

    :raises InfrastructureError: it cannot be started; the details say why.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "users").open("a") as mine:
        fcntl.flock(mine, fcntl.LOCK_SH)
        with turn(directory / "starting", _log_nothing, ""):
            pid = _guard(version, directory, places)
            server = _outcome(directory, pid)
        yield server
    _leave(directory, pid)


def guard(argv: list[str]) -> None:
    """The guard's own program: start the server, wait until nobody uses it, stop it and remove its folder.

    :param argv: the shared folder; what to start is in its request file.
    """
    directory = Path(argv[0])
    signal.signal(signal.SIGTERM, _end)
    request = json.loads((directory / "request").read_text())
    places = Places(
        Path(request["cache"]),
        tuple(Path(path) for path in request["repositories"]),
        request["java_home"],
        Path(request["war"]) if request["war"] else None,
    )
    try:
        server = start(request["version"], directory / "server", places, _log)
    except ReviewError as error:
        _answer(directory, {"brief": error.brief, "details": error.details, "hint": error.hint})
        return
    try:
        _answer(directory, {"ready": True})
        with (directory / "users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            (directory / "outcome").unlink()
            server.remove()
    finally:
        server.remove()


def _guard(version: str, directory: Path, places: Places) -> int:
    """The process id of the guard that is there, else of a new one."""
    running = directory / "guard.pid"
    if running.exists() and process.is_running(pid := int(running.read_text())):
        return pid
    (directory / "outcome").unlink(missing_ok=True)
    request = {"version": version, **asdict(places)}
    (directory / "request").write_text(json.dumps(request, default=str))
    program = "import sys; from gatelocal.sandbox.share import guard; guard(sys.argv[1:])"
    child = process.spawn([sys.executable, "-c", program, str(directory)], log=directory / "guard.log", outlive=True)
    running.write_text(str(child.pid))
    return child.pid


def _outcome(directory: Path, pid: int) -> Server:
    path = directory / "outcome"
    deadline = time.monotonic() + _PATIENCE
    while not path.exists():
        if not process.is_running(pid) and not path.exists():
            words = (directory / "guard.log").read_text(errors="replace")
            raise InfrastructureError("the sandbox's guard ended before the sandbox was ready", details=words)
        if time.monotonic() > deadline:
            raise InfrastructureError(f"the sandbox was not ready within {_PATIENCE:.0f} s")
        time.sleep(0.05)
    answer = json.loads(path.read_text())
    server = load(directory / "server")
    if "brief" in answer:
        raise InfrastructureError(answer["brief"], details=answer["details"], hint=answer["hint"])
    if server is None:
        raise InfrastructureError(f"{directory} holds no readable state of a sandbox", hint="remove it and try again")
    return server


def _leave(directory: Path, pid: int) -> None:
    """Wait for the guard's end when the last user has gone."""
    for _ in range(5):
        with (directory / "users").open("a") as users:
            if not _try_shared(users):
                while process.is_running(pid):
                    time.sleep(0.05)
                return
        # The guard may not have been woken yet.
        time.sleep(0.05)


def _try_shared(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answer(directory: Path, answer: dict[str, object]) -> None:
    write_secret(directory / "outcome", json.dumps(answer))


def _log_nothing(line: str) -> None:
    """Somebody else's waiting is no news in a test run."""


def _log(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
