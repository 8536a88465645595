"""Where a run takes place: which project, which server, and from where each project is fetched; it asks no server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError
from git_review import settings
from git_review.errors import ReviewError
from git_review.gerrit.address import Remote, may_be_same, parse_change, parse_remote, same_server, server_url
from git_review.gerrit.errors import one_line
from git_review.git.runner import Runner, without_password
from git_review.settings import DEFAULT, Settings

_ON_SERVER = re.compile(r"[0-9]+([,/][0-9]+)?/?|[Ii][0-9a-fA-F]{40}|.*://.*|.+~.+~[Ii][0-9a-fA-F]+|(refs/)?changes/.+")
_EITHER = re.compile(r"(?P<name>[^~]+)~[0-9]+([,/][0-9]+)?/?")
"""``openstack/nova~1234`` is a change, ``stable/1~2`` the second commit below a branch."""
_WEB = re.compile(r"https?://[^/\s]", re.IGNORECASE)
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://|(?=[^/:@]+@[^/:]+:))[^/@]*@")
_LOOPBACK = "localhost"
_OTHER = "origin"
_SELF = "."
"""Git's name for the repository itself, where a remote's name may stand."""


@dataclass(frozen=True, slots=True)
class Place:
    """One server, and perhaps a work tree of one of its projects.

    :ivar project: the work tree's project; empty without a work tree.
    :ivar branch: the target branch of local commits.
    :ivar remote: the git remote that leads to the server; ``.``: there is none, and the work tree's own branches count.
    :ivar before: what stands before a project's name in its URL; `after`: what stands behind it.
    :ivar gerrit: base URL of the web interface; None when the remote leads to none (a path on this machine).
    :ivar host: the server's host name.
    :ivar own: the work tree's project's URL, where it does not end in the project's name.
    :ivar changes: what stands before a project's name where its changes are fetched; empty: as all else.
    :ivar aliases: further base URLs that the web interface is known by.
    :ivar named: where a person's file says that another project lies; None where it does not, or there is none.
    """

    project: str
    branch: str
    remote: str
    before: str
    after: str
    gerrit: str | None
    host: str
    own: str = ""
    changes: str = ""
    aliases: tuple[str, ...] = ()
    named: Callable[[str], str | None] | None = None

    @property
    def tracking(self) -> str:
        """What the work tree knows of the target branch."""
        return f"refs/heads/{self.branch}" if self.remote == _SELF else f"refs/remotes/{self.remote}/{self.branch}"

    def url(self, project: str) -> str:
        """From where git fetches that project."""
        if self.named is not None and project != self.project and (told := self.named(project)):
            return told
        return self.own if self.own and project == self.project else around(self.before, project, self.after)

    def changes_url(self, project: str) -> str:
        """From where git fetches that project's changes."""
        if self.changes:
            return f"{self.changes}{project}"
        return self.url(project) if self.named is None else replace(self, named=None).url(project)


def around(before: str, project: str, after: str) -> str:
    """A project's URL; ``{org}`` and ``{name}`` in `before` are the parts of its name, which is then not added."""
    if "{name}" not in before:
        return f"{before}{project}{after}"
    org, _, name = project.rpartition("/")
    return before.replace("{org}", org).replace("{name}", name) + after


def on_server(name: str, directory: Path | None = None) -> bool:
    """Whether somebody who names a change like this means one on the server; anything else is a local commit.

    :param directory: a work tree that is asked where the name alone does not tell: ``HEAD~1`` is a commit where
        ``HEAD`` is one.
    """
    name = name.strip()
    if match := _EITHER.fullmatch(name):
        if directory is None:
            return "/" in match["name"]
        args = ("rev-parse", "--verify", "--quiet", "--end-of-options", match["name"])
        return Runner(directory).query(*args, ok=(0, 1, 128)).status != 0
    return _ON_SERVER.fullmatch(name) is not None


def without_userinfo(url: str) -> str:
    """The address without user and password, for what other people will read."""
    return _USERINFO.sub(r"\1", url)


def find(request: GateRequest, environment: Mapping[str, str]) -> Place:
    """The place of a run.

    The remote is the one that leads to Gerrit, else ``origin``. The web interface is the first of: the request's,
    GATELOCAL_GERRIT, the URL of the change, git's ``gatelocal.gerrit``, ``.gitreview``, and what the remote's URL says;
    of a server's ports and paths, the URL of the change knows best.

    A request without a change is about projects of the server alone.

    :raises InputError: there is neither a work tree with a remote that leads to a server, nor a server's URL.
    """
    named = request.gerrit or environment.get("GATELOCAL_GERRIT") or None
    if named is not None and not _WEB.match(named):
        raise InputError(
            f"{one_line(named, 200)} is no http or https URL", hint="it looks like https://HOST[:PORT][/PATH]"
        )
    try:
        found = settings.load(Runner(request.directory), flags={"branch": request.branch})
    except ReviewError as error:
        return _without_work_tree(request, named, error)
    name, url, gerrit = _remote(request.directory, found)
    remote = parse_remote(url)
    project = found.project or _project_of(remote)
    server = named or found.git.get("gatelocal.gerrit") or gerrit or _of_remote(remote, project)
    asked = _server_of(request)
    if asked is not None and (named is None or parse_remote(asked).host == parse_remote(named).host):
        if not may_be_same(remote, asked) and not (server and same_server(server, asked)):
            return _on_web(asked)
        server = asked
    before, after, own = _around(url, project, remote, server)
    branch = found.branch if found.origins.get("branch") != DEFAULT else _branch(request.directory, name, found.branch)
    place = Place(project, branch, name, before, after, server, remote.host or _LOOPBACK, own)
    if name == found.remote:
        return replace(place, aliases=(f"https://{place.host}",))
    return _with_changes(place, remote, request)


def _server_of(request: GateRequest) -> str | None:
    """The server that the change's own URL names."""
    if "://" not in request.change:
        return None
    return parse_change(request.change).server


def _with_changes(place: Place, remote: Remote, request: GateRequest) -> Place:
    """Where a clone is not from the Gerrit itself, changes are fetched from there: mirrors do not have them."""
    server = place.gerrit
    if server is None or may_be_same(remote, server):
        return replace(place, aliases=(f"https://{place.host}",))
    changes = f"{server.rstrip('/')}/"
    if on_server(request.change, request.directory):
        return replace(place, before=changes, after="", own="")
    return replace(place, changes=changes)


def _without_work_tree(request: GateRequest, named: str | None, error: ReviewError) -> Place:
    remote = not request.change or on_server(request.change)
    server = named or (_server_of(request) if remote else None)
    if server is None or not remote:
        raise InputError(
            error.brief,
            details=error.details,
            hint=error.hint
            or "start this in a work tree, give the change's whole URL, or name the server with --gerrit or"
            " GATELOCAL_GERRIT",
        ) from error
    return _on_web(server)


def _on_web(server: str) -> Place:
    """A server alone, over HTTP."""
    base = server.rstrip("/")
    return Place("", "", "", f"{base}/", "", base, parse_remote(base).host)


def _remote(directory: Path, found: Settings) -> tuple[str, str, str | None]:
    """The remote's name and URL, and the web interface that ``.gitreview`` implies where the remote is another's."""
    git = Runner(directory)
    if url := git.query("remote", "get-url", "--push", found.remote, ok=(0, 2, 128)).text:
        return found.remote, url, None
    names = git.query("remote", ok=(0, 128)).lines
    other = _OTHER if _OTHER in names else names[0] if len(names) == 1 else None
    described = found.url(found.username)
    if other is not None and (url := git.query("remote", "get-url", other, ok=(0, 2, 128)).text):
        return other, url, _described(parse_remote(url), parse_remote(described), found) if described else None
    if not described and not names and (top := git.query("rev-parse", "--show-toplevel", ok=(0, 128)).text):
        return _SELF, top, None
    if not described:
        raise InputError(
            f"there is no remote {found.remote} or {_OTHER}, and no .gitreview that names a server",
            hint="add the remote that the project was cloned from, or a .gitreview with host and project",
        )
    return found.remote, described, None


def _described(remote: Remote, described: Remote, found: Settings) -> str | None:
    """The web interface of the server in ``.gitreview``; None where the remote's own URL tells it better."""
    server = server_url(described, found.project)
    return None if may_be_same(remote, server) else server


def _project_of(remote: Remote) -> str:
    """The name that a project's own URL tells; of a path on this machine, its last part."""
    return remote.project.rstrip("/").rpartition("/")[2] if remote.scheme == "file" else remote.project


def _branch(directory: Path, remote: str, usual: str) -> str:
    """The target of a project that names none: the branch that HEAD follows there, else that remote's main one."""
    git = Runner(directory)
    if remote == _SELF:
        return _own_branch(git, usual)
    prefix = f"refs/remotes/{remote}/"
    following = git.query("rev-parse", "--symbolic-full-name", "@{upstream}", ok=(0, 128)).text
    if following.startswith(prefix):
        return following.removeprefix(prefix)
    known = git.query("for-each-ref", "--format=%(refname) %(symref)", prefix).lines
    refs = dict(line.partition(" ")[::2] for line in known)
    if f"{prefix}{usual}" in refs:
        return usual
    head = refs.get(f"{prefix}HEAD", "")
    if head.startswith(prefix):
        return head.removeprefix(prefix)
    return "main" if f"{prefix}main" in refs else usual


def _own_branch(git: Runner, usual: str) -> str:
    """The same of a project without a remote: its main branch, else the one that is checked out."""
    known = git.query("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").lines
    current = git.query("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1)).text
    return next((name for name in ("main", usual) if name in known), current or usual)


def _around(url: str, project: str, remote: Remote, server: str | None) -> tuple[str, str, str]:
    """What stands before and behind a project's name in a URL, and the URL itself where the name is not in it.

    Other projects are then looked for beside it under their own names, or on the server.
    """
    after = next((end for end in (".git", ".git/", "/") if url.endswith(f"{project}{end}")), "")
    whole = f"{project}{after}"
    before = url.removesuffix(whole)
    if project and before != url and (not before or before.endswith(("/", ":"))):
        return before, after, ""
    org, _, name = project.rpartition("/")
    for joint in ("+", "%2F"):
        if org and f"{org}{joint}{name}" in url:
            before, _, after = url.rpartition(f"{org}{joint}{name}")
            return f"{before}{{org}}{joint}{{name}}", after, ""
    if remote.scheme == "file":
        return f"{url.rstrip('/').rpartition('/')[0]}/{{name}}", ".git" if url.endswith(".git") else "", url
    if server is not None:
        return f"{server.rstrip('/')}/", "", url
    raise InputError(
        f"the remote {without_password(url)} does not end in the project's name {project}",
        hint="does `project` in .gitreview fit the remote?",
    )


def of_recipe(host: str, project: str, urls: Mapping[str, str]) -> Place:
    """The server of a run, as far as its recipe tells: where other projects are follows from where that project was."""
    url = urls.get(project, "")
    before, after, _ = _around(url, project, parse_remote(url), f"https://{host}") if url else ("", "", "")
    return Place("", "", "", before, after, None, host, named=urls.get)


def _of_remote(remote: Remote, project: str) -> str | None:
    return None if remote.scheme == "file" else server_url(remote, project)
