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

_TELL_EVERY = 10.0
# What apt, dpkg and pip say; what it means; what helps. The first that fits.
_SIGNS = (
    (
        ("No space left on device", "not enough free space", "Disk quota exceeded", "Could not allocate block"),
        "the disk is full",
        "make room and try again",
    ),
    (
        ("does not have a Release file", "404  Not Found"),
        "a package archive does not have what is asked for",
        "does this machine's package source have that Debian release? an old list of packages helps itself: try again",
    ),
    (
        ("NO_PUBKEY", "is not signed", "EXPKEYSIG"),
        "a package archive is not signed with a key that is known here",
        "upgrade the package debian-archive-keyring and try again",
    ),
    (
        ("is not valid yet", "is expired (invalid since"),
        "a package archive's list is of another time",
        "is this machine's clock right?",
    ),
    (
        ("certificate verif", "CERTIFICATE_VERIFY_FAILED", "certificate is NOT trusted"),
        "a package archive's certificate is not trusted",
        "make the authority of your network known to this machine (update-ca-certificates)",
    ),
    (
        ("Hash Sum mismatch", "File has unexpected size"),
        "a package archive is being updated",
        "try again in a while",
    ),
    (
        (
            *("Temporary failure resolving", "Could not resolve", "Could not connect", "Unable to connect"),
            *("Connection timed out", "Network is unreachable", "Connection failed", "Connection refused"),
            *("Cannot initiate the connection", "NewConnectionError", "Failed to fetch", "ConnectTimeoutError"),
            *("No route to host", "ProxyError"),
        ),
        "a package archive did not answer",
        "it needs the Debian archive and the Python package index, as this machine's apt and pip reach them",
    ),
    (
        ("Operation not permitted", "Permission denied"),
        "this machine does not allow it",
        "try as root or on another machine; --node local goes without an image, and without isolation",
    ),
)


class Bootstrap:
    """Takes mmdebstrap's lines (with ``--verbose``) and says now and then how far it is."""

    def __init__(self, say: Say, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._text, self._clock = say, text, clock
        self._told = clock()
        self._unpacked = self._set_up = 0

    def __call__(self, line: str) -> None:
        """One line."""
        if line.startswith("I: running --customize-hook"):
            self._tell("finishing the tree: user, services, tox ...")
        elif line.startswith("I: ") and line.endswith("..."):
            self._tell(line[3:])
        elif line.startswith("Unpacking "):
            self._unpacked += 1
        elif line.startswith("Setting up "):
            self._set_up += 1
        if self._unpacked and self._clock() - self._told >= _TELL_EVERY:
            self._tell(f"{self._unpacked} packages unpacked, {self._set_up} set up ...")

    def _tell(self, words: str) -> None:
        self._told = self._clock()
        self._say(f"{self._text}: {words}")


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
        plain = {"LC_ALL": "C.UTF-8", **(environment or {})}  # what went wrong is told by what apt says, in English
        status = process.stream(argv, keep, environment=plain, timeout=timeout, cwd=log.parent)
    except TimeoutError as error:
        raise InfrastructureError(f"{what} failed: {error}", hint="look whether the package archive answers") from error
    finally:
        with contextlib.suppress(OSError):
            log.write_text("".join(f"{line}\n" for line in lines))
    if status != 0:
        raise _failure(what, lines, log)


def _failure(what: str, lines: Sequence[str], log: Path) -> InfrastructureError:
    telling = [line for line in lines if line.startswith(("E:", "W: Failed", "ERROR", "dpkg: error"))]
    details = "\n".join(dict.fromkeys([*telling[-8:], *lines[-8:]]))
    text = "\n".join([*telling, *lines[-40:]])
    found = [(why, hint) for signs, why, hint in _SIGNS if any(sign in text for sign in signs)]
    why, hint = found[0] if found else ("", "--node local goes without an image, and without isolation")
    brief = f"{what} failed: {why}" if why else f"{what} failed"
    return InfrastructureError(brief, details=details, hint=f"{hint} (all that was said: {log})")
