"""Questions to the server that a remote leads to: by ssh or by HTTP, with the same answer; asks nothing of a person."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from urllib.parse import urlsplit

from git_review import messages
from git_review.commands.context import Context
from git_review.gerrit.address import Remote, parse_remote, server_url
from git_review.gerrit.model import Change
from git_review.git.watch import NOTICE
from git_review.messages import changes as said
from git_review.records import dataclass, replace

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from git_review.gerrit.client import Gerrit
    from git_review.gerrit.transport import Policy


LIMIT_BESIDE = 20.0
"""Seconds that the server has for a whole answer when the run goes on without it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted to know.

    :ivar patchsets: all patchsets, not only the current one. :ivar votes: who voted how.
    :ivar limit: so many changes at most. :ivar start: so many are left out.
    :ivar silent: nobody may be asked for a password, and a slow server is not waited for.
    """

    patchsets: bool = False
    votes: bool = False
    limit: int | None = None
    start: int = 0
    silent: bool = False


def term(operator: str, value: str) -> str:
    """``operator:value`` in Gerrit's language. :raises ReviewError: no quoting could carry the value."""
    from git_review.gerrit import ssh

    return ssh.term(operator, value)


def changes(context: Context, terms: Sequence[str], wanted: Wanted | None = None) -> Iterator[Change]:
    """The changes that fit all terms, most recently updated first.

    :raises git_review.errors.ReviewError: the server cannot be asked, or refused.
    """
    from git_review.gerrit import ssh

    wanted = wanted or Wanted()
    url = push_url(context)
    remote = parse_remote(url)
    if remote.scheme == "ssh":
        limit = seconds(context, wanted.silent)
        page = ssh.Page(
            wanted.patchsets, wanted.start, wanted.silent, limit, context.runner.tell, context.runner.waiting
        )
        return islice(ssh.query(context.settings.ssh, remote, terms, page), wanted.limit)
    if remote.scheme in ("http", "https"):
        return _by_http(context, url, " ".join(terms), wanted)
    raise said.no_gerrit(context.remote)


def seconds(context: Context, silent: bool = False) -> float:
    """How long one answer may take, by ssh as by HTTP. :param silent: the run does not depend on it."""
    from git_review.gerrit.ssh import LIMIT

    return context.settings.timeout or (LIMIT_BESIDE if silent else LIMIT)


def asks_by_ssh(context: Context) -> bool:
    """Whether questions go by ssh, whose answers tell less than those by HTTP."""
    return parse_remote(push_url(context)).scheme == "ssh"


def can_be_asked(url: str) -> bool:
    """Whether a remote's URL leads to something that could be a Gerrit."""
    from git_review.gerrit.errors import AddressError

    try:
        return parse_remote(url).scheme in ("ssh", "http", "https")
    except AddressError:
        return False


def push_url(context: Context) -> str:
    """Where the remote pushes to, with git's own rewriting of URLs; what the settings say while there is no remote."""
    git = context.settings.git
    plain = git.get(f"remote.{context.remote}.pushurl") or git.get(f"remote.{context.remote}.url")
    if plain and not any(key.startswith("url.") for key in git):
        return plain
    answer = context.runner.query("remote", "get-url", "--push", context.remote, ok=(0, 2, 128))
    return answer.text if answer.status == 0 else context.settings.url(context.username) or ""


def project_name(context: Context) -> str:
    """The project as the settings name it, else as the remote's URL ends."""
    return context.settings.project or parse_remote(push_url(context)).project


@contextmanager
def server(context: Context, url: str, *, silent: bool = False) -> Iterator[Gerrit]:
    """The REST interface of the server that an HTTP remote leads to, logged in where a login is known.

    A login that a credential helper gave is approved or rejected there, as it turns out.
    """
    from git_review import credentials
    from git_review.gerrit.client import connect
    from git_review.gerrit.errors import Unauthorized

    remote: Remote = parse_remote(url)
    base = server_url(remote, context.settings.project)
    auth = credentials.find(url, context.runner)
    policy = _policy(context, base, silent)
    with connect(base, auth=auth, policy=policy) as gerrit, _noticed(context, base, policy.total):
        try:
            yield gerrit
        except Unauthorized:
            if auth is not None:
                credentials.reject(url, auth, context.runner)
            raise
        if auth is not None:
            credentials.approve(url, auth, context.runner)


@contextmanager
def _noticed(context: Context, base: str, limit: float) -> Iterator[None]:
    """The person is told what is waited for, once it takes long."""
    notice = threading.Timer(NOTICE, lambda: context.talk.warn(messages.waiting(base, limit)))
    notice.daemon = True
    notice.start()
    try:
        yield
    finally:
        notice.cancel()


def _by_http(context: Context, url: str, query: str, wanted: Wanted) -> Iterator[Change]:
    options = ["ALL_REVISIONS" if wanted.patchsets else "CURRENT_REVISION", "DETAILED_ACCOUNTS"]
    options += ["DETAILED_LABELS"] if wanted.votes else []
    context.progress(said.asking(url, query))
    with server(context, url, silent=wanted.silent) as gerrit:
        for change in gerrit.changes.query(query, options, wanted.limit, wanted.start):
            yield replace(change, url=gerrit.changes.url(change))


def _policy(context: Context, base: str, silent: bool) -> Policy:
    from git_review.gerrit.transport import Policy
    from git_review.http_settings import http

    own = http(context.runner, base)
    limit = seconds(context, silent)
    return Policy(
        timeout=(min(5, limit), limit),
        total=limit,
        retries=0 if silent else 3,
        verify=own.verify,
        proxy=own.proxy,
        cookies=own.cookies,
        cookies_log_in="/a/" in urlsplit(push_url(context)).path,
    )
