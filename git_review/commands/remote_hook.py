"""`--remote-hook`: the Change-Id hook as the server hands it out, by scp or HTTP; it installs nothing."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from git_review.commands import ask
from git_review.commands.context import Context
from git_review.gerrit.address import Remote, parse_remote
from git_review.gerrit.errors import GerritError
from git_review.gerrit.ssh import is_plink
from git_review.git.errors import GitError
from git_review.git.runner import program
from git_review.messages import changes as said

_ON_SERVER = "hooks/commit-msg"
_LARGEST = 1 << 20
_OLD_PROTOCOL = re.compile(r"\[-[0-9A-Za-z]*O[0-9A-Za-z]*\]")


def fetch(context: Context) -> str:
    """The hook's text. :raises ReviewError: it cannot be had (2)."""
    url = ask.push_url(context)
    remote = parse_remote(url)
    if remote.scheme in ("http", "https"):
        try:
            with ask.server(context, url) as gerrit:
                return gerrit.server.commit_msg_hook()
        except GerritError as error:
            raise said.hook_not_fetched(f"{error.brief}\n{error.details}") from error
    if remote.scheme != "ssh":
        raise said.no_gerrit(context.remote)
    return _by_scp(context, remote)


def _by_scp(context: Context, remote: Remote) -> str:
    """Gerrit speaks scp's old protocol only, which newer scps have to be asked for."""
    host = f"[{remote.host}]" if ":" in remote.host else remote.host
    place = f"{remote.user}@{host}" if remote.user else host
    port = ["-P", str(remote.port)] if remote.port else []
    try:
        old = ["-O"] if _OLD_PROTOCOL.search(_usage(context)) else []
        with tempfile.TemporaryDirectory(prefix="git-review-") as scratch:
            target = Path(scratch) / "commit-msg"
            options = _through(context.settings.ssh, Path(scratch))
            words = ["scp", *options, *old, *port, f"{place}:{_ON_SERVER}", str(target)]
            runner = context.runner
            done = program(words, timeout=ask.seconds(context), tell=runner.tell, waiting=runner.waiting)
            if done.status != 0 or not target.is_file():
                raise said.hook_not_fetched(done.stderr or done.stdout)
            if target.stat().st_size > _LARGEST:
                raise said.hook_not_fetched("what the server gave is too large for a hook")
            text = target.read_text("utf-8", "replace")
    except GitError as error:
        raise said.hook_not_fetched(error.brief) from error
    if not text.startswith("#!") or "Change-Id" not in text:
        raise said.hook_not_fetched("what the server gave is no commit-msg hook")
    return text


def _through(ssh: Sequence[str], scratch: Path) -> list[str]:
    """scp's options to use the person's ssh (a key, a jump host): scp takes one program, and a command line is none."""
    if is_plink(ssh) or tuple(ssh) == ("ssh",):
        return []
    if len(ssh) == 1:
        return ["-S", ssh[0]]
    file = scratch / "ssh"
    file.write_text(f'#!/bin/sh\nexec {shlex.join(ssh)} "$@"\n', "utf-8", "surrogateescape")
    file.chmod(0o700)
    return ["-S", str(file)]


def _usage(context: Context) -> str:
    """What scp says when it is told nothing: its options are in it."""
    done = program(["scp"], timeout=20, tell=context.runner.tell)
    return done.stderr + done.stdout
