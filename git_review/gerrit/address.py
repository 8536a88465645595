"""Names that people and remotes use: remote URLs, change URLs, ``1234,2``, Change-Ids; pure, asks no server.

What begins with a hyphen or holds control characters is refused here, so that no later command line or request can
take a name for something else.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from git_review.gerrit.errors import AddressError, one_line
from git_review.records import dataclass

_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 29418}
_SCP = re.compile(r"(?P<head>(?:[^/:\[\]]*@)?\[[^\]/]+\]|[^/:\[\]]+):(?P<path>.*)", re.DOTALL)
_NUMBER = re.compile(r"(?P<number>[0-9]+)(?:[,/](?P<patchset>[0-9]+))?/?")
_REF = re.compile(r"(?:refs/)?changes/[0-9]{2}/(?P<number>[0-9]+)/(?P<patchset>[0-9]+)")
_CHANGE_ID = re.compile(r"[Ii][0-9a-fA-F]{4,40}")
_IN_PATH = (
    re.compile(
        r"(?P<prefix>.*?)/c/(?P<project>.+?)/\+/(?P<number>[0-9]+)(?:/(?:[0-9]+\.\.)?(?P<patchset>[0-9]+))?(?:/.*)?"
    ),
    re.compile(r"(?P<prefix>.*?)/c/(?P<number>[0-9]+)(?:/(?P<patchset>[0-9]+))?(?:/.*)?"),
    re.compile(r"(?P<prefix>.*?)/id/(?P<change_id>[Ii][0-9a-fA-F]{40})/?"),
    re.compile(r"(?P<prefix>.*?)/(?P<number>[0-9]+)(?:/(?P<patchset>[0-9]+))?/?"),
)
# What Gerrit's own links to a topic hold: its name, perhaps in quotes, and perhaps which of its changes are shown.
_TOPIC = re.compile(
    r"""topic:(?:"(?P<quoted>[^"]+)"|(?P<plain>[^\s"()]+))(?:\s+(?:status:\w+|\(status:\w+(?:\s+OR\s+status:\w+)*\)))?"""
)


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a git remote leads, without its password.

    :ivar scheme: ``ssh`` (also for ``host:path``), ``http``, ``https``, or ``file`` for paths and what else git takes.
    :ivar host: lower case, IPv6 addresses without brackets; empty for ``file``.
    :ivar port: None when the URL names none.
    :ivar path: what follows the host, without slashes around it and percent escapes resolved.
    """

    scheme: str
    host: str
    port: int | None
    user: str | None
    path: str

    @property
    def project(self) -> str:
        """The path without ``.git`` and without the ``a/`` of authenticated HTTP; a path prefix stays in it."""
        path = self.path.removeprefix("a/") if self.scheme.startswith("http") else self.path
        return path.removesuffix("/").removesuffix(".git")


@dataclass(frozen=True, slots=True)
class ChangeName:
    """Which change somebody means, and perhaps which patchset of it.

    Either `number` or `change_id` is set. `server` is the base URL when a URL was given.
    """

    number: int | None = None
    change_id: str | None = None
    patchset: int | None = None
    project: str | None = None
    branch: str | None = None
    server: str | None = None

    @property
    def id(self) -> str:
        """What the REST interface takes as the change's id, not yet percent-encoded."""
        if self.number is not None:
            return str(self.number) if self.project is None else f"{self.project}~{self.number}"
        if self.project is not None and self.branch is not None:
            return f"{self.project}~{self.branch}~{self.change_id}"
        return self.change_id or ""


def parse_remote(url: str) -> Remote:
    """The parts of a remote's URL: ``ssh://``, ``user@host:path``, ``http(s)://``, paths.

    :raises AddressError: it has no host, a bad port, control characters, or a part that looks like an option.
    """
    _refuse_tricks(url)
    if "://" in url:
        parts = _split(url)
        if parts.scheme not in ("ssh", "git+ssh", "ssh+git", "http", "https"):
            return Remote("file", "", None, None, parts.path if parts.scheme == "file" else url)
        scheme = "ssh" if "ssh" in parts.scheme else parts.scheme
        return _remote(scheme, parts.netloc.rpartition("@")[0].partition(":")[0], _place(parts), unquote(parts.path))
    match = _SCP.fullmatch(url)
    if match is None:
        return Remote("file", "", None, None, url)
    user, _, place = match["head"].rpartition("@")
    if place.startswith("["):
        inner = place[1:-1]
        host, _, port = inner.partition(":") if inner.count(":") == 1 else (inner, "", "")
        return _remote("ssh", user, (host, _port(port)), match["path"])
    return _remote("ssh", user, (place, None), match["path"])


def server_url(remote: Remote, project: str | None = None) -> str:
    """The base URL of the server's web interface, as far as a remote tells it.

    For HTTP the project (the whole path, when it is not given) and the ``/a`` before it are cut off and the rest is
    the path prefix. For SSH nobody can know: ``https://HOST`` is the usual place.

    :raises AddressError: the remote leads to no server.
    """
    if remote.scheme == "file":
        raise AddressError(f"{one_line(remote.path, 200)} is no server", hint="the remote has to lead to a Gerrit")
    host = f"[{remote.host}]" if ":" in remote.host else remote.host
    if remote.scheme == "ssh":
        return f"https://{host}"
    path = remote.path.removesuffix(".git")
    name = path if project is None else project.strip("/").removesuffix(".git")
    prefix = f"/{path.removesuffix(name)}".rstrip("/") if path.endswith(name) else ""
    prefix = prefix.removesuffix("/a")
    port = "" if remote.port in (None, _DEFAULT_PORTS[remote.scheme]) else f":{remote.port}"
    return f"{remote.scheme}://{host}{port}{prefix}"


def parse_change(text: str) -> ChangeName:
    """The change that a person, a footer or a URL names.

    Taken: ``1234``, ``1234,2``, ``1234/2``, ``I<hex>`` (from four digits on), ``PROJECT~1234``,
    ``PROJECT~BRANCH~I<hex>``, ``refs/changes/34/1234/2``, and the URLs ``BASE/1234[/2]``,
    ``BASE/c/PROJECT/+/1234[/2]``, ``BASE/c/1234[/2]``, ``BASE/#/c/1234[/2]``, ``BASE/id/I<hex>``; a BASE may have a
    path.

    :raises AddressError: it is none of these.
    """
    name = text.strip()
    _refuse_tricks(name)
    if "://" in name:
        return _from_url(name)
    if match := _NUMBER.fullmatch(name) or _REF.fullmatch(name):
        return ChangeName(number=int(match["number"]), patchset=_patchset(match["patchset"]))
    if _CHANGE_ID.fullmatch(name):
        return ChangeName(change_id=_capital(name))
    project, _, rest = name.partition("~")
    if project and (match := _NUMBER.fullmatch(rest)):
        return ChangeName(number=int(match["number"]), patchset=_patchset(match["patchset"]), project=project)
    branch, _, change_id = rest.rpartition("~")
    if project and branch and _CHANGE_ID.fullmatch(change_id):
        return ChangeName(change_id=_capital(change_id), project=project, branch=branch)
    raise _no_change(name)


@dataclass(frozen=True, slots=True)
class TopicName:
    """A topic that somebody means. `server` is the base URL when a URL was given."""

    topic: str
    server: str | None = None


def parse_search(text: str) -> ChangeName | TopicName | None:
    """The topic or the change that ``topic:NAME`` or the URL of a search for one names; None for other texts.

    Such URLs are those of Gerrit's own links: ``BASE/q/topic:NAME``, ``BASE/q/I<hex>``, ``BASE/q/1234``. They find what
    a person means, and are no names for a footer: :func:`parse_change` does not take them.

    :raises AddressError: there are control characters in it, or the URL is broken.
    """
    name = text.strip()
    if name.startswith("topic:"):
        _refuse_tricks(name)
        return TopicName(name.removeprefix("topic:").strip().strip('"'))
    if "://" not in name:
        return None
    _refuse_tricks(name)
    parts = _split(name)
    path = parts.path.rstrip("/") + parts.fragment if parts.fragment.startswith("/") else parts.path
    prefix, found, query = path.partition("/q/")
    if not found or parts.scheme not in ("http", "https"):
        return None
    base = server_url(_remote(parts.scheme, "", _place(parts), prefix), "")
    wanted = unquote(query.replace("+", " ")).strip("/ ")
    _refuse_tricks(wanted)
    if match := _TOPIC.fullmatch(wanted):
        return TopicName(match["quoted"] or match["plain"], base)
    change = wanted.removeprefix("change:")
    if _CHANGE_ID.fullmatch(change):
        return ChangeName(change_id=_capital(change), server=base)
    return ChangeName(int(change), server=base) if re.fullmatch("[0-9]+", change) else None


def change_ref(number: int, patchset: int) -> str:
    """Where the server keeps a patchset: ``refs/changes/34/1234/5``. :raises AddressError: a figure is not positive."""
    if number < 1 or patchset < 1:
        raise AddressError(f"{number},{patchset} is no patchset of a change")
    return f"refs/changes/{number % 100:02d}/{number}/{patchset}"


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs mean one server: host, port and path prefix are equal.

    ``http`` and ``https`` on their usual ports count as the same place.
    """
    return _identity(one) == _identity(other)


def may_be_same(remote: Remote, url: str) -> bool:
    """Whether a remote and a web page may be of one server, as far as the addresses tell: the host is the same.

    Of ports and paths SSH and HTTP know nothing of one another, and a proxy may stand before the one that is no usual
    one; but two unusual ports are two servers.
    """
    parts = _split(url)
    host, port = _place(parts)
    if host.lower() != remote.host:
        return False
    ports = {one for one in (port, remote.port) if one not in (None, 80, 443)}
    return remote.scheme == "ssh" or len(ports) < 2


def _from_url(url: str) -> ChangeName:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_change(url)
    fragment = parts.fragment if parts.fragment.startswith("/") else ""
    path = parts.path.rstrip("/") + fragment if fragment else parts.path
    for pattern in _IN_PATH:
        match = pattern.fullmatch(path)
        if match is not None:
            break
    else:
        raise _no_change(url)
    found = match.groupdict()
    project = unquote(found["project"]) if found.get("project") else None
    _refuse_tricks(project or "")
    host, port = _place(parts)
    base = server_url(_remote(parts.scheme, "", (host, port), found["prefix"]), "")
    if found.get("change_id"):
        return ChangeName(change_id=_capital(found["change_id"]), server=base)
    return ChangeName(int(found["number"]), None, _patchset(found["patchset"]), project, server=base)


def _remote(scheme: str, user: str, place: tuple[str, int | None], path: str) -> Remote:
    host, port = place
    for part in (host, user, path.lstrip("/"), unquote(user)):
        _refuse_tricks(part)
    if not host:
        raise AddressError("the address names no host", details=one_line(path, 200))
    if scheme == "ssh" and path.startswith("/~"):
        path = path[1:]
    return Remote(scheme, host.lower(), port, unquote(user) or None, path.strip("/"))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise AddressError("this is no valid URL", details=one_line(str(error), 200)) from error


def _place(parts: SplitResult) -> tuple[str, int | None]:
    try:
        return parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressError("the URL's port is no port number", hint="it has to be from 1 to 65535") from error


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise AddressError("the address's port is no port number", hint="it has to be from 1 to 65535")
    return int(text)


def _identity(url: str) -> tuple[str, int | None, str]:
    parts = _split(url)
    host, port = _place(parts)
    usual = port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host.lower(), None if usual else port, parts.path.strip("/")


def _refuse_tricks(text: str) -> None:
    if text.startswith("-"):
        raise AddressError(f"{one_line(text, 80)} looks like an option, not like a name")
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text):
        raise AddressError("a name with control characters in it is refused", details=one_line(text, 80))


def _patchset(text: str | None) -> int | None:
    return int(text) if text else None


def _capital(change_id: str) -> str:
    return "I" + change_id[1:].lower()


def _no_change(text: str) -> AddressError:
    return AddressError(
        f"{one_line(text, 200)} names no change",
        hint="give a number (1234), number and patchset (1234,2), a Change-Id (I...) or the change's URL",
    )
