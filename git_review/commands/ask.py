"""Questions to the server that a remote leads to: by ssh or by HTTP, with the same answer; asks nothing of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from git_review import messages
from git_review.commands.context import Context
from git_review.gerrit.address import Remote, parse_remote, server_url
from git_review.gerrit.model import Change


def changes(context: Context, terms: Sequence[tuple[str, str]], *, patchsets: bool = False) -> Iterator[Change]:
    """The changes that all terms (operator and value) fit.

    :param patchsets: all patchsets are wanted, not only the current one.
    :raises git_review.errors.ReviewError: the server cannot be asked, or refused.
    """
    from git_review.gerrit import ssh

    query = [ssh.term(*term) for term in terms]
    url = push_url(context)
    remote = parse_remote(url)
    if remote.scheme == "ssh":
        return ssh.query(context.settings.ssh, remote, query, patchsets=patchsets)
    if remote.scheme in ("http", "https"):
        return _by_http(context, url, remote, " ".join(query), patchsets)
    raise messages.no_gerrit(context.remote)


def push_url(context: Context) -> str:
    """Where the remote pushes to, with git's own rewriting of URLs; what the settings say while there is no remote."""
    answer = context.runner.query("remote", "get-url", "--push", context.remote, ok=(0, 2, 128))
    return answer.text if answer.status == 0 else context.settings.url(context.username) or ""


def _by_http(context: Context, url: str, remote: Remote, query: str, patchsets: bool) -> Iterator[Change]:
    from git_review import credentials
    from git_review.gerrit.client import connect
    from git_review.gerrit.errors import Unauthorized

    auth = credentials.find(url, context.runner)
    options = ["ALL_REVISIONS" if patchsets else "CURRENT_REVISION", "DETAILED_ACCOUNTS"]
    verify = context.settings.git.get("http.sslverify", "true").lower() not in ("0", "false", "no", "off")
    with connect(server_url(remote, context.settings.project), auth=auth, verify=verify) as gerrit:
        try:
            yield from gerrit.changes.query(query, options)
        except Unauthorized:
            if auth is not None:
                credentials.reject(url, auth, context.runner)
            raise
        if auth is not None:
            credentials.approve(url, auth, context.runner)
