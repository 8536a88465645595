"""The tenant of a gate for a server: Zuul's tenant file with one connection, each mistake with its line."""

from __future__ import annotations

import re
from pathlib import Path

from gatelocal.config import plan_file
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.tenant import Tenant


def tenant(path: Path, name: str | None, host: str) -> tuple[Tenant, str]:
    """The tenant of Zuul's tenant file, and what it calls the connection to this Gerrit.

    :param host: the server's canonical host name. :raises ConfigurationError: with file and, where it is known, line.
    """
    try:
        found = plan_file.tenant_file(path, name, {})
        names = tuple(dict.fromkeys(one.host for one in found.projects))
        connection = "gerrit" if "gerrit" in names or not names else names[0]
        if others := [one for one in names if one != connection]:
            raise InputError(
                f"{path}: {others[0]}: this gate has one connection, {connection}",
                hint="projects of other connections cannot be tested here",
            )
        return plan_file.tenant_file(path, name, {connection: host}), connection
    except InputError as error:
        raise _located(path, error) from error


def _located(path: Path, error: InputError) -> ConfigurationError:
    """The same, with the line of what it speaks of."""
    brief = error.brief
    if brief.startswith(f"{path}: "):
        rest = brief.removeprefix(f"{path}: ")
        quoted = re.findall(r"'([^']+)'", rest)
        names = [one for one in rest.split() if "/" in one]
        words = [*quoted, *names, *reversed([one.strip() for one in rest.split(":")])]
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        places = (at for word in words for at, line in enumerate(lines, 1) if word and word in line)
        brief = f"{path}:{next(places, 1)}: {rest}"
    return ConfigurationError(brief, details=error.details, hint=error.hint)
