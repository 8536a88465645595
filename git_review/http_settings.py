"""git's own settings for HTTP, as far as they concern questions to a server; it asks no server and stores no password.

They are read for one URL, ``http.<url>.*`` included; git's environment variables come before its configuration. The
file of cookies that they name is read here, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from git_review.git.runner import Runner

_FALSE = ("0", "false", "no", "off", "")


@dataclass(frozen=True, slots=True)
class Http:
    """git's settings for HTTP as far as they concern REST.

    :ivar verify: False takes any certificate; a path is a bundle of certificate authorities.
    :ivar proxy: a proxy's URL; "" is none; None leaves it to the environment. :ivar cookies: a file of cookies.
    """

    verify: bool | str = True
    proxy: str | None = None
    cookies: Path | None = None


def http(runner: Runner, url: str) -> Http:
    """git's ``http.*`` for a URL, ``http.<url>.*`` and git's own environment variables included."""
    listed = runner.query("config", "-z", "--get-urlmatch", "http", url, ok=(0, 1)).stdout.split("\0")
    found = dict(line.split("\n", 1) for line in listed if "\n" in line)
    bundle = os.environ.get("GIT_SSL_CAINFO") or found.get("http.sslcainfo")
    trusted: bool | str = str(Path(bundle).expanduser()) if bundle else True
    if found.get("http.sslverify", "true").lower() in _FALSE or "GIT_SSL_NO_VERIFY" in os.environ:
        trusted = False
    cookies = found.get("http.cookiefile")
    return Http(trusted, found.get("http.proxy"), Path(cookies).expanduser() if cookies else None)


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of a file.

    :ivar domain: lower case, without a dot before it. :ivar below: hosts below the domain get it, too.
    :ivar expires: in seconds since 1970; 0 is never, as far as this file goes.
    """

    domain: str
    below: bool
    path: str
    secure: bool
    expires: int
    name: str
    value: str = field(repr=False)

    def fits(self, url: str, now: float) -> bool:
        """Whether curl would send it there."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        here = host == self.domain or (self.below and host.endswith(f".{self.domain}") and not _ADDRESS.fullmatch(host))
        path = parts.path or "/"
        inside = path == self.path or path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")
        safe = parts.scheme == "https" or host in ("localhost", "127.0.0.1", "::1")
        return here and inside and (safe or not self.secure) and not 0 < self.expires < now


_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_COOKIE_BYTES = 1 << 20
_TRUTH = ("TRUE", "FALSE")


def read_cookies(file: Path) -> tuple[Cookie, ...]:
    """The cookies of a file in Netscape's format, as lenient as curl: no heading is needed, ``#HttpOnly_`` is no
    comment, and a line that makes no sense is passed over; a file that cannot be read is as good as none.

    Its lines: domain, whether hosts below it count, path, TLS only, expiry (0 is none), name, value; tabs between them.
    Source: curl's ``lib/cookie.c``.
    """
    try:
        if not file.is_file():
            return ()
        with file.open("rb") as stream:
            text = stream.read(_COOKIE_BYTES).decode("latin-1")
    except OSError:
        return ()
    found = {}
    for line in text.split("\n"):
        cookie = _cookie(line.rstrip("\r").removeprefix("#HttpOnly_"))
        if cookie is not None:
            found[cookie.domain, cookie.path, cookie.name] = cookie
    return tuple(found.values())


def _cookie(line: str) -> Cookie | None:
    fields = [field.strip(" ") for field in line.split("\t")]
    if line.startswith("#") or len(fields) not in (6, 7):
        return None
    domain, below, path, secure, expires, name, value = (*fields, "")[:7]
    seconds = re.match("[0-9]{1,18}", expires)
    good = below.upper() in _TRUTH and secure.upper() in _TRUTH and domain and name
    if not good or seconds is None or any(ord(char) < 0x20 or char in "\x7f;" for char in name + value):
        return None
    return Cookie(
        domain.removeprefix(".").lower(),
        below.upper() == "TRUE",
        path if path.startswith("/") else "/",
        secure.upper() == "TRUE",
        int(seconds[0]),
        name,
        value,
    )


def cookie_header(cookies: Iterable[Cookie]) -> str:
    """What a request sends, the longest path first, as curl does; "" for no cookie."""
    return "; ".join(f"{one.name}={one.value}" for one in sorted(cookies, key=lambda one: -len(one.path)))


def logs_in(cookie: Cookie) -> bool:
    """Whether it is one that a Gerrit takes for a login: its own, or that of a server with a "generate password" page
    for ``.gitcookies``, such as googlesource.com's.
    """
    return cookie.name == "GerritAccount" or (cookie.name == "o" and cookie.value.startswith("git-"))
