"""Says what a slow step waits for and how long it took, and turns its failure into a sentence with a hint."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say

_NO_SPACE = ("No space left on device", "not enough free space", "Disk quota exceeded", "Could not allocate block")
_NO_NETWORK = (
    *(
        "Temporary failure resolving",
        "Could not resolve",
        "Could not connect",
        "Unable to connect",
        "Connection timed out",
    ),
    *("Network is unreachable", "Connection failed", "Cannot initiate the connection", "Connection refused"),
    *("NewConnectionError", "Failed to fetch", "ConnectTimeoutError", "No route to host", "ProxyError"),
)


@contextmanager
def step(say: Say, text: str, waits_for: str) -> Iterator[None]:
    """Say what begins and what it waits for; at its good end say how long it took."""
    say(f"{text}: waiting for {waits_for} ...")
    began = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - began:.1f} s")


def watched(
    argv: Sequence[str],
    log: Path,
    what: str,
    *,
    on_line: Callable[[str], None] = lambda line: None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 1800,
) -> None:
    """Run a slow program and keep its output in a file.

    :param what: the step in words, for the error. :param timeout: seconds.
    :raises InfrastructureError: it failed; says why, and what helps.
    """
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        on_line(line)

    try:
        status = process.stream(argv, keep, environment=environment, timeout=timeout, cwd=log.parent)
    except TimeoutError as error:
        raise InfrastructureError(f"{what} failed: {error}", hint="look whether the package archive answers") from error
    finally:
        with contextlib.suppress(OSError):
            log.write_text("".join(f"{line}\n" for line in lines))
    if status != 0:
        raise _failure(what, lines)


def _failure(what: str, lines: Sequence[str]) -> InfrastructureError:
    text = "\n".join(lines)
    telling = [line for line in lines if line.startswith(("E:", "W: Failed", "ERROR", "dpkg: error"))]
    details = "\n".join(dict.fromkeys([*telling[-8:], *lines[-8:]]))
    if any(sign in text for sign in _NO_SPACE):
        return InfrastructureError(f"{what} failed: the disk is full", details=details, hint="make room and try again")
    if any(sign in text for sign in _NO_NETWORK):
        return InfrastructureError(
            f"{what} failed: a package archive did not answer",
            details=details,
            hint="it needs the Debian archive and the Python package index, as this machine's apt and pip reach them",
        )
    return InfrastructureError(f"{what} failed", details=details)
