"""Which names can be those of projects of one server; a name that is none is never made part of an address."""

from __future__ import annotations

import re

from gatelocal.errors import InputError
from gatelocal.model.text import visible

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:?*%<>|$~]|^-|^/|/$|//")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}", re.IGNORECASE)


def check(project: str) -> None:
    """Refuse what cannot be a project's name: addresses, options, paths that lead upwards (Gerrit's rules).

    :raises InputError: it is none.
    """
    parts = project.split("/")
    if not project or _FORBIDDEN.search(project) or any(part in ("", ".", "..", ".git") for part in parts):
        raise InputError(
            f"{visible(project)[:200]!r} is no name of a project",
            hint="a project is named as on its server: group/name",
        )


def check_here(project: str, url: str) -> None:
    """Refuse a project of another server, whose name Zuul begins with that server's.

    :param url: where it would be fetched from. :raises InputError: that is the same name on this server.
    """
    host, _, rest = project.partition("/")
    if "/" in rest and _HOST.fullmatch(host) and f"/{project}" in url and f"//{project}" not in url:
        raise InputError(
            f"{visible(project)} is a project of another server, {visible(host)}",
            hint="only projects of the change's own server can be fetched, or those that a configuration names",
        )
