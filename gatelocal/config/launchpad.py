"""The part `launchpad` of a daemon's file: which one, as whom, and what projects are called there."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gatelocal.config.values import Values
from gatelocal.model.record import replace
from gatelocal.model.tracked import Tracked

SERVERS = ("production", "staging", "qastaging")
TRUNK = ("master", "main")
_KEYS = frozenset("server credentials-file trunk bugs blueprints delay-release projects".split())
_PROJECT = frozenset("names bugs blueprints delay-release".split())


@dataclass(frozen=True, slots=True)
class Launchpad:
    """:ivar server: one of :data:`SERVERS`, or an address. :ivar credentials: as launchpadlib writes them.

    :ivar trunk: branches that count as the main one. :ivar usual: what goes for a project that is not named.
    """

    server: str
    credentials: Path
    trunk: tuple[str, ...] = TRUNK
    usual: Tracked = field(default_factory=lambda: Tracked(()))
    projects: Mapping[str, Tracked] = field(default_factory=dict)

    def of(self, project: str) -> Tracked:
        """How a project is known there: one that is not named, by the last part of its name."""
        known = self.projects.get(project)
        return known if known is not None else replace(self.usual, names=(project.rpartition("/")[2],))


def read(values: Values, body: object) -> Launchpad:
    """Read it; mistakes are noted."""
    told = values.section(body, "launchpad", _KEYS)
    usual = _tracked(values, told, "launchpad", Tracked(()))
    listed = told.get("projects", {})
    if not isinstance(listed, Mapping):
        values.wrong("launchpad.projects", "not a mapping of projects")
        listed = {}
    return Launchpad(
        server=_server(values, told),
        credentials=values.file(told, "launchpad.credentials-file", ""),
        trunk=values.words(told["trunk"], "launchpad.trunk") if "trunk" in told else TRUNK,
        usual=usual,
        projects={str(name): _project(values, str(name), one, usual) for name, one in listed.items()},
    )


def _project(values: Values, name: str, told: object, usual: Tracked) -> Tracked:
    key = f"launchpad.projects.{name}"
    if not isinstance(told, Mapping):
        return replace(usual, names=values.words(told, key))
    body = values.section(told, key, _PROJECT)
    names = values.words(body["names"], f"{key}.names") if "names" in body else (name.rpartition("/")[2],)
    return replace(_tracked(values, body, key, usual), names=names)


def _tracked(values: Values, body: Mapping[str, object], key: str, usual: Tracked) -> Tracked:
    return Tracked(
        (),
        bugs=values.flag(body, f"{key}.bugs", default=usual.bugs),
        blueprints=values.flag(body, f"{key}.blueprints", default=usual.blueprints),
        delay_release=values.flag(body, f"{key}.delay-release", default=usual.delay_release),
    )


def _server(values: Values, told: Mapping[str, object]) -> str:
    key = "launchpad.server"
    server = values.text(told, key, "production")
    if server in SERVERS or not server:
        return server
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        values.wrong(key, "no server of Launchpad's", hint=f"{', '.join(SERVERS)}, or an https address")
    elif parts.username or parts.password:
        values.wrong(key, "no secret belongs here", hint="the credentials are in a file of their own")
    elif parts.scheme == "http" and not _here(parts.hostname or ""):
        values.wrong(key, "the credentials would go there unprotected", hint="an https address")
    return f"{server.rstrip('/')}/"


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
