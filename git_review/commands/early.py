"""Whether the connection for the push is opened at once, while the commits are still looked at: in the plain case only.

It needs no word of the person's: ssh fails where it would have to ask, and then all goes its usual way.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import AbstractContextManager, nullcontext, suppress

from git_review.commands.context import Context, Rebase
from git_review.commands.known import Question
from git_review.git.early import Early
from git_review.git.refs import head, tracking
from git_review.git.repo import commit_id
from git_review.settings import is_local

_PLAIN_URL = re.compile(
    r"ssh://(?P<place>(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*)(?::(?P<port>[0-9]+))?"
    r"(?P<path>(?:/[A-Za-z0-9_.+-]+)+)"
)


_PATIENCE = 0.3
"""Seconds for an answer while the server is at work for a connection that went on by itself."""


def begin(context: Context, rebase: Rebase) -> AbstractContextManager[Early | None]:
    """Open it, where git would open the same and nothing comes between that may take long, such as a hook."""
    words, options = _words(context), context.options
    if words is None or options.dry_run or options.remote_hook or rebase is Rebase.FORCE or _hooked(context):
        return nullcontext()
    with suppress(OSError):
        made = Early(context.runner, context.settings.ssh, words)
        context.runner.before_contact = made.close
        return made
    return nullcontext()


def unmoved(context: Context, connection: Early | None, question: Question) -> str | None:
    """The target branch's commit, where the server tells on the connection that it is still what is remembered.

    It is let go when the question is answered: a server that does one thing at a time could never answer it while a
    connection waits for what comes of that.

    :raises GitSilent: the server says nothing for too long.
    """
    remembered = commit_id(context.runner, tracking(context.remote, context.branch)) if connection else None
    if connection is None or remembered is None:
        return None
    ref = head(context.branch)
    threading.Thread(target=_let_go, args=(connection, question), daemon=True).start()
    if not connection.obeys() and connection.tip(ref) is not None and not question.wait(_PATIENCE):
        connection.close()
    return remembered if connection.tip(ref) == remembered else None


def _let_go(connection: Early, question: Question) -> None:
    question.answer()
    connection.let_go()


def _words(context: Context) -> tuple[str, ...] | None:
    """What git would add to ssh's own words for a push; None where it is not certain."""
    settings, remote = context.settings, f"remote.{context.remote}."
    git = settings.git
    if is_local():
        return None  # all that git would do cannot be seen
    match = _PLAIN_URL.fullmatch(git.get(f"{remote}url", ""))
    if match is None or f"{remote}url" in settings.repeated or not settings.openssh:
        return None
    if any(f"{remote}{key}" in git for key in ("pushurl", "receivepack", "vcs")) or _rewritten(context, match[0]):
        return None
    port = () if match["port"] is None else ("-p", match["port"])
    return (*port, match["place"], f"git-receive-pack '{match['path']}'")


def _rewritten(context: Context, url: str) -> bool:
    """Whether the person has git take another URL in place of this one, as far as it can be ruled out."""
    rules = [(key, value) for key, value in context.settings.git.items() if key.startswith("url.")]
    return any(key in context.settings.repeated or url.startswith(value) for key, value in rules)


def _hooked(context: Context) -> bool:
    """Whether something of the person's runs between the server's first word and the commits."""
    git = context.settings.git
    return os.access(context.places.hooks / "pre-push", os.X_OK) or any(key.startswith("hook.") for key in git)
