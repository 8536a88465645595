"""git's own settings for HTTP, as far as they concern questions to a server; it asks no server and stores no password.

They are read for one URL, ``http.<url>.*`` included; git's environment variables come before its configuration.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

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
