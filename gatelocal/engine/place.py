"""Where a run takes place: which project, which server, and from where each project is fetched; it asks no server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError
from git_review import settings
from git_review.errors import ReviewError
from git_review.gerrit.address import Remote, parse_change, parse_remote, server_url
from git_review.git.runner import Runner, without_password
from git_review.settings import Settings

_ON_SERVER = re.compile(r"[0-9]+([,/][0-9]+)?/?|[Ii][0-9a-fA-F]{40}|.*://.*|.+~.+|(refs/)?changes/.+")
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://|(?=[^/:@]+@[^/:]+:))[^/@]*@")
_LOOPBACK = "localhost"


@dataclass(frozen=True, slots=True)
class Place:
    """One server, and perhaps a work tree of one of its projects.

    :ivar project: the work tree's project; empty without a work tree.
    :ivar branch: the target branch of local commits.
    :ivar remote: the git remote that leads to the server.
    :ivar before: what stands before a project's name in its URL; `after`: what stands behind it.
    :ivar gerrit: base URL of the web interface; None when the remote leads to none (a path on this machine).
    :ivar host: the server's host name.
    """

    project: str
    branch: str
    remote: str
    before: str
    after: str
    gerrit: str | None
    host: str

    def url(self, project: str) -> str:
        """From where git fetches that project."""
        return f"{self.before}{project}{self.after}"


def on_server(name: str) -> bool:
    """Whether somebody who names a change like this means one on the server; anything else is a local commit."""
    return _ON_SERVER.fullmatch(name.strip()) is not None


def without_userinfo(url: str) -> str:
    """The address without user and password, for what other people will read."""
    return _USERINFO.sub(r"\1", url)


def find(request: GateRequest, environment: Mapping[str, str]) -> Place:
    """The place of a run.

    The web interface is the first of: the request's, GATELOCAL_GERRIT, git's ``gatelocal.gerrit``, the URL of the
    change, and what the remote's own URL says.

    A request without a change is about projects of the server alone.

    :raises InputError: there is neither a work tree with a remote that leads to a server, nor a server's URL.
    """
    named = request.gerrit or environment.get("GATELOCAL_GERRIT") or None
    try:
        found = settings.load(Runner(request.directory), flags={"branch": request.branch})
    except ReviewError as error:
        return _without_work_tree(request, named, error)
    url = _remote_url(request.directory, found)
    remote = parse_remote(url)
    project = found.project or remote.project
    before, after = _around(url, project)
    gerrit = named or found.git.get("gatelocal.gerrit") or _of_remote(remote, project)
    return Place(project, found.branch, found.remote, before, after, gerrit, remote.host or _LOOPBACK)


def _without_work_tree(request: GateRequest, named: str | None, error: ReviewError) -> Place:
    remote = not request.change or on_server(request.change)
    server = named or (parse_change(request.change).server if request.change and remote else None)
    if server is None or not remote:
        raise InputError(
            error.brief,
            details=error.details,
            hint=error.hint or "start this in a work tree, or give the change's whole URL",
        ) from error
    base = server.rstrip("/")
    return Place("", "", "", f"{base}/", "", base, parse_remote(base).host)


def _remote_url(directory: Path, found: Settings) -> str:
    told = Runner(directory).query("remote", "get-url", "--push", found.remote, ok=(0, 2, 128))
    url = told.text or found.url(found.username)
    if not url:
        raise InputError(
            f"there is no remote {found.remote} and no .gitreview that names a server",
            hint="run `git review -s`, or add a .gitreview with host and project",
        )
    return url


def _around(url: str, project: str) -> tuple[str, str]:
    """What stands before and behind the project's name in a URL, so that other projects' URLs can be made."""
    after = next((end for end in (".git", ".git/", "/") if url.endswith(f"{project}{end}")), "")
    whole = f"{project}{after}"
    if not project or not url.endswith(whole):
        raise InputError(
            f"the remote {without_password(url)} does not end in the project's name {project}",
            hint="does `project` in .gitreview fit the remote?",
        )
    return url.removesuffix(whole), after


def _of_remote(remote: Remote, project: str) -> str | None:
    return None if remote.scheme == "file" else server_url(remote, project)
