"""What a daemon's file names and is needed at its start: passwords, words, keys; what is wrong is told all at once."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from gatelocal.config.gate_file import GateFile, Server
from gatelocal.config.mirror import Copy
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.reporter.launchpad import door
from git_review.credentials import Auth


class Mistakes:
    """Those that were found."""

    def __init__(self) -> None:
        self._found: list[InputError | ConfigurationError] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """What is wrong inside the block is told later."""
        try:
            yield
        except (InputError, ConfigurationError) as error:
            self._found.append(error)

    def tell(self, file: GateFile) -> None:
        """:raises ConfigurationError: something was wrong: the first is its brief, all others are details."""
        if not self._found:
            return
        with self.noted():
            _look_up(file)
        first, *rest = self._found
        more = (f"{one.brief}{f' ({one.hint})' if one.hint else ''}" for one in rest)
        details = "\n".join(text for text in (first.details, *more) if text)
        raise ConfigurationError(first.brief, details=details, hint=first.hint) from first


def secret(file: GateFile, key: str, path: Path, hint: str) -> str:
    """The one line of a file. :raises ConfigurationError: it cannot be read, or has none or several."""
    try:
        found = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigurationError(f"{file.at(key)}: {path} cannot be read: {problem}", hint=hint) from None
    if not found.strip() or "\n" in found:
        problem = "has more than one line" if found.strip() else "is empty"
        raise ConfigurationError(f"{file.at(key)}: {path} {problem}", hint=hint)
    return found


_WORD = 16  # characters of a secret word


def webhook_word(file: GateFile) -> str:
    """The word in the address of webhooks; empty: none are listened to."""
    if file.gerrit.webhook_file is None:
        return ""
    key, hint = "gerrit.webhook-file", f"it holds a word of {_WORD} letters and digits or more, and nothing else"
    word = secret(file, key, file.gerrit.webhook_file, hint)
    if len(word) < _WORD or not word.isascii() or not word.isalnum():
        raise ConfigurationError(f"{file.at(key)}: that is too easy to guess, or cannot stand in an address", hint=hint)
    return word


def password(file: GateFile, above: str, at: Server | Copy, environment: Mapping[str, str]) -> Auth | None:
    """What a section of the file names; None: nothing. :raises ConfigurationError: that is not there."""
    if at.password_file is not None:
        hint = "it holds the password for HTTP, and nothing else"
        return Auth(at.username, secret(file, f"{above}.password-file", at.password_file, hint))
    if not at.password_env:
        return None
    if not (found := environment.get(at.password_env)):
        raise ConfigurationError(f"{file.at(f'{above}.password-env')}: {at.password_env} is not set")
    return Auth(at.username, found)


def look_at_launchpad(file: GateFile) -> None:
    """:raises ConfigurationError: Launchpad is wanted, and cannot be spoken to: no credentials, or no client."""
    if file.launchpad is None:
        return
    try:
        door.check(file.launchpad.credentials)
    except InputError as error:
        raise ConfigurationError(f"{file.at('launchpad.credentials-file')}: {error.brief}", hint=error.hint) from None


def look_for_keys(file: GateFile, above: str, options: Sequence[str]) -> None:
    """:raises ConfigurationError: a key that ssh is to use is not there; ssh itself would go on without it."""
    for option, name in itertools.pairwise(options):
        if option == "-i" and not Path(name).expanduser().is_file():
            raise ConfigurationError(f"{file.at(f'{above}.ssh-options')}: {name} is not there")


def _look_up(file: GateFile) -> None:
    """A server that cannot be found now may be later, so that this alone keeps no daemon from its start."""
    if file.gerrit.ssh is not None:
        host, port = file.gerrit.ssh
        try:
            socket.getaddrinfo(host, port)
        except OSError as error:
            raise ConfigurationError(f"{file.at('gerrit.ssh')}: {host} cannot be found: {error.strerror}") from None


def login(store: Path, url: str, auth: Auth | None) -> dict[str, str]:
    """Variables that let git in at a server: with a store of git's own which has nothing but this password.

    :param store: its file, which only its owner can read.
    """
    if auth is None:
        return {}
    parts = urlsplit(url)
    server = f"{parts.scheme}://{parts.netloc}"
    handle = os.open(store, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        told = f"{quote(auth.username, safe='')}:{quote(auth.password, safe='')}"
        opened.write(f"{parts.scheme}://{told}@{parts.netloc}\n")
    keys = f"credential.{server}"
    return variables(
        (f"{keys}.helper", ""),
        (f"{keys}.helper", f"store --file={shlex.quote(str(store))}"),
        (f"{keys}.username", auth.username),
    )


def variables(*settings: tuple[str, str]) -> dict[str, str]:
    """Settings of git, as variables; nobody is asked for a password."""
    found = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
    for at, (key, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return found


def ssh(options: Sequence[str]) -> dict[str, str]:
    """Variables with the ssh that git uses; it asks nobody."""
    return {"GIT_SSH_COMMAND": shlex.join(("ssh", "-o", "BatchMode=yes", *options)), "GIT_TERMINAL_PROMPT": "0"}
