"""Who may operate: tokens with a name, what they allow and until when; at rest there is nothing but their digests."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import ConfigurationError, InputError

RIGHTS = ("read", "operate")
_PREFIX = "gl_"
_DAY = 86400.0
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """:ivar until: seconds since the epoch; None without an end."""

    name: str
    digest: str
    may: tuple[str, ...]
    until: float | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a daemon. :ivar file: None: there are none, so that anybody may read and nobody operate.

    :ivar closed: reading needs a token, too.
    """

    file: Path | None

    def right(self, bearer: str, right: str, now: float) -> str | None:
        """The name of whoever has that token, if it allows that; None if not, or if there is no such token.

        :raises PermissionError: the token is good, and does not allow that.
        """
        digest = _digest(bearer)
        for one in self._read():
            if hmac.compare_digest(one.digest, digest) and (one.until is None or now < one.until):
                if right in one.may:
                    return one.name
                raise PermissionError(one.name)
        return None

    @property
    def closed(self) -> bool:
        """Whether reading needs a token: the file says so by a line ``{"closed": true}``."""
        return any(json.loads(line).get("closed") is True for line in self._lines())

    def new(self, name: str, may: Sequence[str], days: float | None, now: float) -> str:
        """Make a token; what is given back is kept nowhere. :raises InputError: there is no such right, or no file."""
        if self.file is None:
            raise InputError("the configuration names no file of tokens", hint="add `tokens: FILE`")
        if strange := [one for one in may if one not in RIGHTS]:
            raise InputError(f"there is no right {strange[0]!r}", hint=f"known: {', '.join(RIGHTS)}")
        if _NAME.fullmatch(name) is None:
            raise InputError("no name for a token", hint="letters, digits and . _ - @, 64 at most")
        if any(one.name == name and (one.until is None or now < one.until) for one in self._read()):
            raise InputError(f"there is a token {name} already", hint="delete its line in the file of tokens first")
        token = f"{_PREFIX}{secrets.token_urlsafe(32)}"
        line = {
            "name": name,
            "digest": _digest(token),
            "may": list(may),
            "until": None if days is None else now + days * _DAY,
        }
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as opened:
            opened.write(f"{json.dumps(line)}\n")
        return token

    def _lines(self) -> list[str]:
        if self.file is None:
            return []
        try:
            return [line for line in self.file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except FileNotFoundError:
            return []

    def _read(self) -> list[Token]:
        found = []
        for at, line in enumerate(self._lines(), 1):
            try:
                one = json.loads(line)
                if "digest" in one:
                    found.append(Token(str(one["name"]), str(one["digest"]), tuple(one["may"]), one["until"]))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ConfigurationError(f"{self.file}:{at}: no token of this program") from None
        return found


def _digest(token: str) -> str:
    """A token is as random as a key: no slow digest is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
