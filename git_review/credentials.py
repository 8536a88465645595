"""User name and password for an HTTP server, from where git finds them too; stores none itself and shows none.

The order is: the URL, ``~/.netrc``, git's credential helpers, the desktop's keyring. Nobody is asked on a terminal.
"""

from __future__ import annotations

import netrc
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from git_review.errors import ReviewError

if TYPE_CHECKING:
    from git_review.git.runner import Runner

HELPER_TIMEOUT = 60.0
"""Seconds that a credential helper may take; some open a window and wait for a person."""

_SILENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never"}


class Origin(Enum):
    """Where a password came from."""

    CALLER = "the caller"
    URL = "the URL"
    NETRC = "~/.netrc"
    HELPER = "git's credential helper"
    KEYRING = "the keyring"


@dataclass(frozen=True, slots=True)
class Auth:
    """What to log in with. The password is in no text that the value is shown as."""

    username: str
    password: str = field(repr=False)
    origin: Origin = Origin.CALLER

    def __str__(self) -> str:
        return f"{self.username} (password from {self.origin.value})"


def split(url: str) -> tuple[str, Auth | None]:
    """The URL without user name and password, and both when it has both.

    :raises ReviewError: it is no http(s) URL, or has characters in it that would forge a helper's question.
    """
    parts = _parts(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    _refuse_control(user + password)
    auth = Auth(user, password, Origin.URL) if user and password else None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), auth


def find(url: str, runner: Runner, *, netrc_file: Path | None = None) -> Auth | None:
    """Credentials for a server's or a remote's http(s) URL; None when nothing knows any.

    A user name in the URL chooses among the entries of the later sources.

    :param runner: for git's credential helpers: they are those of the repository that it stands in.
    :param netrc_file: instead of ``~/.netrc``.
    """
    parts = _parts(url)
    user = unquote(parts.username or "")
    _refuse_control(user)
    return (
        split(url)[1]
        or _from_netrc(parts.hostname or "", user, netrc_file or Path("~/.netrc").expanduser())
        or _from_helper(parts, user, runner)
        or _from_keyring(parts, user)
    )


def approve(url: str, auth: Auth, runner: Runner) -> None:
    """Tell git's helpers that the server took the credentials they gave, so that they may keep them."""
    _report("approve", url, auth, runner)


def reject(url: str, auth: Auth, runner: Runner) -> None:
    """Tell git's helpers that the server did not take the credentials they gave, so that they forget them.

    What came from elsewhere is left alone: a person wrote it there.
    """
    _report("reject", url, auth, runner)


def _from_netrc(host: str, user: str, file: Path) -> Auth | None:
    try:
        entry = netrc.netrc(file).authenticators(host)
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError):
        return None
    if entry is None or not entry[2] or (user and entry[0] not in ("", user)):
        return None
    return Auth(entry[0] or user, entry[2], Origin.NETRC)


def _from_helper(parts: SplitResult, user: str, runner: Runner) -> Auth | None:
    from git_review.git.errors import GitError

    question = _attributes(parts, username=user)
    try:
        answer = runner.query(
            "credential", "fill", ok=(0, 1, 128), stdin=question, environment=_SILENT, timeout=HELPER_TIMEOUT
        )
    except GitError:
        return None
    if answer.status != 0:
        return None
    found = dict(line.split("=", 1) for line in answer.lines if "=" in line)
    if not found.get("username") or not found.get("password"):
        return None
    return Auth(found["username"], found["password"], Origin.HELPER)


def _from_keyring(parts: SplitResult, user: str) -> Auth | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found = keyring.get_credential(f"{parts.scheme}://{_host(parts)}", user or None)
    except (KeyringError, RuntimeError, OSError):
        return None
    if found is None or not found.username or not found.password:
        return None
    return Auth(found.username, found.password, Origin.KEYRING)


def _report(verb: str, url: str, auth: Auth, runner: Runner) -> None:
    if auth.origin is not Origin.HELPER:
        return
    from git_review.git.errors import GitError

    told = _attributes(_parts(url), username=auth.username, password=auth.password)
    try:
        runner.query("credential", verb, ok=range(256), stdin=told, environment=_SILENT, timeout=HELPER_TIMEOUT)
    except GitError:
        return


def _attributes(parts: SplitResult, **others: str) -> str:
    """What git's credential protocol takes: one ``key=value`` a line, which no value may break."""
    path = unquote(parts.path).strip("/")
    values = {"protocol": parts.scheme, "host": _host(parts), "path": path, **others}
    _refuse_control("".join(values.values()))
    return "".join(f"{key}={value}\n" for key, value in values.items() if value) + "\n"


def _parts(url: str) -> SplitResult:
    _refuse_control(url)
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        known = False
    if not known:
        raise ReviewError(
            "the server's address is no http or https URL", hint="it looks like https://HOST[:PORT][/PATH]"
        )
    return parts


def _host(parts: SplitResult) -> str:
    return quote(parts.netloc.rpartition("@")[2].lower(), safe=":[].-_~")


def _refuse_control(text: str) -> None:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise ReviewError("a URL or a password with control characters in it is refused")
