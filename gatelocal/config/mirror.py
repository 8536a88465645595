"""The part `mirror` of a daemon's file: a second git remote, and the login there; and logins of either remote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gatelocal.config.values import Values

PROJECT = "{project}"
_REMOTES = ("https", "http", "ssh", "file")
_KEYS = frozenset("url username password-file password-env ssh-options".split())


@dataclass(frozen=True, slots=True)
class Copy:
    """A second git remote, for what has landed. :ivar url: has :data:`PROJECT` where a project's name stands."""

    url: str
    username: str = ""
    password_file: Path | None = None
    password_env: str = ""
    ssh_options: tuple[str, ...] = ()


def read(values: Values, value: object) -> Copy:
    """Read it; mistakes are noted."""
    body = values.section(value, "mirror", _KEYS)
    url = values.text(body, "mirror.url")
    try:
        parts = urlsplit(url)
        if parts.password or (parts.username and parts.scheme != "ssh"):
            values.wrong("mirror.url", "the user's name and password do not belong here")
        elif url and (parts.scheme not in _REMOTES or not (parts.hostname or parts.scheme == "file")):
            values.wrong("mirror.url", "no remote of git", f"a URL with {', '.join(_REMOTES)}")
    except ValueError:
        values.wrong("mirror.url", "no URL")
    if url and url.count(PROJECT) != 1:
        values.wrong("mirror.url", f"one {PROJECT} has to stand where the project's name is")
    file, variable = password(values, body, "mirror")
    username = values.text(body, "mirror.username") if "username" in body else ""
    if bool(username) != bool(file or variable):
        values.wrong("mirror.username", "it goes together with password-file or password-env")
    return Copy(url, username, file, variable, ssh_words(values, body, "mirror"))


def password(values: Values, body: Mapping[str, object], above: str) -> tuple[Path | None, str]:
    """The file or the variable that has a section's password."""
    if "password-file" in body and "password-env" in body:
        values.wrong(f"{above}.password-env", "there is a password-file already")
    file = values.file(body, f"{above}.password-file", "") if "password-file" in body else None
    return file, values.text(body, f"{above}.password-env") if "password-env" in body else ""


def ssh_words(values: Values, body: Mapping[str, object], above: str) -> tuple[str, ...]:
    """A section's words for ssh; one that is the path of a file beside this one is made whole (a key after ``-i``)."""
    options = body.get("ssh-options", [])
    if not isinstance(options, list) or any(isinstance(one, list | dict) for one in options):
        values.wrong(f"{above}.ssh-options", "not a list of words")
        return ()
    words = [str(one) for one in options]
    return tuple(_whole(values, word) if at and words[at - 1] == "-i" else word for at, word in enumerate(words))


def _whole(values: Values, name: str) -> str:
    return str(values.folder / Path(name).expanduser())
