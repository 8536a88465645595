"""Somebody whom the sandbox's Gerrit knows, as the files that prove it: ssh key, HTTP password, git configuration.

Every secret is in a file that only its owner can read; it asks no server.
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from git_review.git.runner import Runner


@dataclass(frozen=True, slots=True)
class Identity:
    """An account and the folder with its files.

    :ivar username: its name for ssh and HTTP.
    :ivar name: its full name, which its commits carry with `email`.
    """

    folder: Path
    username: str
    name: str
    email: str

    @property
    def key(self) -> Path:
        """Its private ssh key (mode 0600); the public one lies beside it."""
        return self.folder / "id_ed25519"

    @property
    def public_key(self) -> str:
        """Its public ssh key, one line."""
        return self.key.with_suffix(".pub").read_text().strip()

    @property
    def password_file(self) -> Path:
        """Its HTTP password, alone in a file of mode 0600."""
        return self.folder / "password"

    @property
    def password(self) -> str:
        """Its HTTP password."""
        return self.password_file.read_text().strip()

    @property
    def gitconfig(self) -> Path:
        """A whole git configuration: who commits, and where git finds the HTTP password."""
        return self.folder / "gitconfig"


def make_key(who: Identity) -> None:
    """Make its folder (mode 0700) and a new ssh key in it. :raises ProgramMissing: there is no ssh-keygen."""
    who.folder.mkdir(mode=0o700, parents=True)
    process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who.email, "-f", str(who.key)], timeout=30)


def new_password() -> str:
    """A password that nobody can guess, of characters that need no quoting in a URL."""
    return secrets.token_urlsafe(18)


def keep_password(who: Identity, password: str, server: str) -> None:
    """Write the password and a git configuration that finds it.

    :param server: host and port that git may give it to.
    """
    write_secret(who.password_file, password + "\n")
    store = who.folder / "git-credentials"
    write_secret(store, f"http://{who.username}:{password}@{server}\n")
    helper = f"store --file={shlex.quote(str(store))}"
    git = Runner(alone=True)
    for key, value in (
        ("user.name", who.name),
        ("user.email", who.email),
        ("init.defaultBranch", "master"),
        ("credential.helper", helper),
        ("gc.auto", "0"),
    ):
        git.run("config", "--file", str(who.gitconfig), key, value)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first moment on; what was there is replaced whole."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text(text)
    fresh.replace(path)
