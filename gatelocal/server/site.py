"""What a daemon works with: its folders, its server and the login there, the merger; it decides and starts nothing."""

from __future__ import annotations

import os
import shlex
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from gatelocal.config import fingerprint_files
from gatelocal.config.directories import Directories, directories
from gatelocal.config.gate_file import GateFile
from gatelocal.disk import FULL_ERRORS
from gatelocal.engine import changes
from gatelocal.engine.place import Place
from gatelocal.errors import ConfigurationError, not_written
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.ports import Say
from gatelocal.source.reader import Reader
from git_review import credentials
from git_review.credentials import Auth
from git_review.gerrit import connect
from git_review.git.runner import Runner

_WORD = 16  # characters of a secret word


@dataclass(slots=True)
class Site:
    """One daemon's surroundings.

    :ivar directories: the state's folder is the file's; caches are the user's. :ivar place: the server, for git.
    :ivar webhook: the word in the address of webhooks; empty: none.
    :ivar projects: see :class:`gatelocal.source.reader.Reader`; of all of them.
    :ivar login: variables that let git in there. :ivar fingerprints: folders of fingerprints of known bugs.
    """

    file: GateFile
    directories: Directories
    place: Place
    login: Mapping[str, str]
    say: Say
    auth: Auth | None = field(repr=False, default=None)
    fingerprints: tuple[Path, ...] = ()
    webhook: str = field(repr=False, default="")
    projects: dict[int, str] = field(default_factory=dict, repr=False)
    _readers: threading.local = field(default_factory=threading.local, repr=False)

    @property
    def lock(self) -> Path:
        """What is locked for as long as the daemon lives."""
        return self.file.state / "daemon.lock"

    @property
    def database(self) -> str:
        """The gate's memory, as a URL."""
        return self.file.database or f"sqlite:///{self.file.state / 'gate.sqlite'}"

    @property
    def history(self) -> str:
        """The history of builds, as a URL: a file of its own, or the same database on a server."""
        on_server = self.file.database and not self.file.database.startswith("sqlite")
        return self.file.database if on_server else f"sqlite:///{self.file.state / 'history.sqlite'}"

    @property
    def host(self) -> str:
        """The server's name, under which trees lie on a node."""
        return self.place.host

    def reader(self) -> Reader:
        """The server, for this thread: connections are not shared between threads."""
        found: Reader | None = getattr(self._readers, "one", None)
        if found is None:
            found = self._readers.one = Reader(connect(self.file.gerrit.url, auth=self.auth), self.projects)
        return found

    def merger(self, fresh: float = 0.0, beside: Callable[[str], Mapping[str, str]] | None = None) -> Merger:
        """A merger over this daemon's caches; see there."""

        def remote(project: str) -> Remote:
            return Remote(project, self.place.url(project))

        cache = Cache(self.directories.repositories, say=_silent, login=self.login)
        return Merger(cache, remote, changes.own_mode, fresh=fresh, beside=beside or _alone)


def _alone(_: str) -> Mapping[str, str]:
    return {}


def _silent(_: str) -> None:
    """What each fetch waits for is nothing that an operator wants to know."""


def site(file: GateFile, environment: Mapping[str, str], say: Say) -> Site:
    """Make the folders, and find the password.

    :raises ConfigurationError: the password is not where the file says, or there can be no such folder.
    :raises InfrastructureError: the disk is full.
    :raises gatelocal.errors.InputError: a folder of fingerprints that is named is not there.
    """
    _make(file)
    auth = _auth(file, environment)
    base = file.gerrit.url.rstrip("/")
    host = urlsplit(base).hostname or ""
    before = f"{base}/a/" if auth is not None else f"{base}/"
    place = Place("", "", "", before, "", base, host)
    users = directories(environment)
    folders = Directories(users.cache, file.state, users.configuration)
    prints = fingerprint_files.folders(folders, environment)
    return Site(file, folders, place, _login(file, auth), say, auth, prints, _webhook(file))


def _make(file: GateFile) -> None:
    """The state's folder, in which files can be made."""
    try:
        file.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.state):
            pass
    except OSError as error:
        if error.errno in FULL_ERRORS:
            raise not_written(f"cannot write to {file.state}", error, file.state) from error
        brief = f"{file.at('state')}: {file.state} cannot be used: {error.strerror}"
        hint = "name a folder that is there, or can be made, and that this user may write to"
        raise ConfigurationError(brief, hint=hint) from None


def _auth(file: GateFile, environment: Mapping[str, str]) -> Auth | None:
    server = file.gerrit
    if server.password_file is not None:
        hint = "it holds the password for HTTP, and nothing else"
        return Auth(server.username, _secret(file, "gerrit.password-file", server.password_file, hint))
    if server.password_env:
        if not (password := environment.get(server.password_env)):
            raise ConfigurationError(f"{file.at('gerrit.password-env')}: {server.password_env} is not set")
        return Auth(server.username, password)
    parts = urlsplit(server.url)
    named = parts._replace(netloc=f"{quote(server.username, safe='')}@{parts.netloc}").geturl()
    return credentials.find(named, Runner(file.state))


def _secret(file: GateFile, key: str, path: Path, hint: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigurationError(f"{file.at(key)}: {path} cannot be read: {problem}", hint=hint) from None


def _webhook(file: GateFile) -> str:
    if file.gerrit.webhook_file is None:
        return ""
    key, hint = "gerrit.webhook-file", f"it holds a word of {_WORD} letters and digits or more, and nothing else"
    word = _secret(file, key, file.gerrit.webhook_file, hint)
    if len(word) < _WORD or not word.isascii() or not word.isalnum():
        raise ConfigurationError(f"{file.at(key)}: that is too easy to guess, or cannot stand in an address", hint=hint)
    return word


def _login(file: GateFile, auth: Auth | None) -> dict[str, str]:
    """A store of git's own with nothing but this password, which only its owner can read, and which git is told of."""
    if auth is None:
        return {}
    parts = urlsplit(file.gerrit.url)
    server = f"{parts.scheme}://{parts.netloc}"
    store = file.state / "git-credentials"
    handle = os.open(store, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        login = f"{quote(auth.username, safe='')}:{quote(auth.password, safe='')}"
        opened.write(f"{parts.scheme}://{login}@{parts.netloc}\n")
    told = {
        f"credential.{server}.helper": f"store --file={shlex.quote(str(store))}",
        f"credential.{server}.username": auth.username,
    }
    pairs = [(f"credential.{server}.helper", ""), *told.items()]
    found = {"GIT_CONFIG_COUNT": str(len(pairs)), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
    for at, (key, value) in enumerate(pairs):
        found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return found
