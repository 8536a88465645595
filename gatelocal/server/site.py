"""What a daemon works with: its folders, its server and the login there, the merger; it decides and starts nothing."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from gatelocal.config import fingerprint_files, gate_tenant
from gatelocal.config.directories import Directories, directories
from gatelocal.config.gate_file import GateFile
from gatelocal.disk import FULL_ERRORS
from gatelocal.engine import changes
from gatelocal.engine.place import Place
from gatelocal.errors import ConfigurationError, not_written
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.tenant import Tenant
from gatelocal.ports import Say
from gatelocal.server.secrets import Mistakes, login, look_at_launchpad, look_for_keys, password, ssh, webhook_word
from gatelocal.source.reader import Reader
from git_review import credentials
from git_review.credentials import Auth
from git_review.gerrit import connect
from git_review.git.runner import Runner


@dataclass(slots=True)
class Site:
    """One daemon's surroundings.

    :ivar directories: the state's folder is the file's; caches are the user's. :ivar place: the server, for git.
    :ivar tenant: what the tenant file says, and what that calls the connection to this server.
    :ivar webhook: the word in the address of webhooks; empty: none.
    :ivar projects: see :class:`gatelocal.source.reader.Reader`; of all of them.
    :ivar login: variables that let git in there. :ivar copy_login: and at the second remote.
    :ivar fingerprints: folders of fingerprints of known bugs.
    """

    file: GateFile
    directories: Directories
    place: Place
    tenant: tuple[Tenant, str]
    login: Mapping[str, str]
    say: Say
    auth: Auth | None = field(repr=False, default=None)
    fingerprints: tuple[Path, ...] = ()
    webhook: str = field(repr=False, default="")
    copy_login: Mapping[str, str] = field(default_factory=dict, repr=False)
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
    """Make the folders, read the tenant file, find the passwords.

    :raises ConfigurationError: what the file names is not there, or not what it should be: all of that at once.
    :raises InfrastructureError: the disk is full.
    """
    base = file.gerrit.url.rstrip("/")
    host = urlsplit(base).hostname or ""
    users = directories(environment)
    folders = Directories(users.cache, file.state, users.configuration)
    mistakes = Mistakes()
    auth, copier, word, tenant = None, None, "", None
    prints: tuple[Path, ...] = ()
    with mistakes.noted():
        _make(file)
    with mistakes.noted():
        auth = _auth(file, environment)
    with mistakes.noted():
        word = webhook_word(file)
    with mistakes.noted():
        look_for_keys(file, "gerrit", file.gerrit.ssh_options)
    with mistakes.noted():
        look_for_keys(file, "mirror", () if file.copy is None else file.copy.ssh_options)
    with mistakes.noted():
        look_at_launchpad(file)
    with mistakes.noted():
        copier = None if file.copy is None else password(file, "mirror", file.copy, environment)
    with mistakes.noted():
        prints = fingerprint_files.folders(folders, environment)
    with mistakes.noted():
        tenant = _tenant(file, host)
    mistakes.tell(file)
    if tenant is None:
        raise AssertionError("a tenant that is none is a mistake")
    before = f"{base}/a/" if auth is not None else f"{base}/"
    place = Place("", "", "", before, "", base, host)
    own = login(file.state / "git-credentials", file.gerrit.url, auth)
    copying = {} if file.copy is None else login(file.state / "mirror-credentials", file.copy.url, copier)
    if file.copy is not None:
        copying |= ssh(file.copy.ssh_options)
    return Site(file, folders, place, tenant, own, say, auth, prints, word, copying)


def _tenant(file: GateFile, host: str) -> tuple[Tenant, str]:
    try:
        file.tenant.open().close()
    except OSError as error:
        raise ConfigurationError(f"{file.at('tenant')}: {file.tenant} cannot be read: {error.strerror}") from None
    return gate_tenant.tenant(file.tenant, None, host)


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
    if (named := password(file, "gerrit", server, environment)) is not None:
        return named
    parts = urlsplit(server.url)
    url = parts._replace(netloc=f"{quote(server.username, safe='')}@{parts.netloc}").geturl()
    return credentials.find(url, Runner(file.state if file.state.is_dir() else None))
