"""Commits in full, read from a bare repository and written to it; a new one depends on its arguments alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from git_review.git.objects import commit_text
from git_review.git.runner import Runner

WHO = "gatelocal <gatelocal@localhost>"
"""The committer of all that is made here."""

_DATED = re.compile(r"> \d+ [+-]\d{4}$")
_LATEST = 2**40  # seconds; a forged date beyond that would not be a date to git
_FIELDS = "%m%n%H%n%T%n%P%n%ct%n%an <%ae> %ad%n%B%x00"
_SHAPE = ("--no-commit-header", "--encoding=UTF-8", "--date=raw", f"--format={_FIELDS}")


@dataclass(frozen=True, slots=True)
class Original:
    """A commit that somebody made.

    :ivar when: the committer's date in seconds since 1970.
    :ivar author: as git stores it: ``Name <mail> 1700000000 +0100``.
    :ivar applied: whether the other side of the walk that it was found in has a commit with the same effect.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    when: int
    author: str
    message: str
    applied: bool = False


def read(git: Runner, commit: str) -> Original:
    """One commit. :raises git_review.git.errors.GitFailed: it is not there."""
    return _records(git.query("rev-list", "--no-walk", *_SHAPE, commit).stdout)[0]


def ahead(git: Runner, base: str, commit: str) -> list[Original]:
    """The commits, without merges, that `commit` has and `base` has not, in the order in which a rebase picks them."""
    walk = ("--right-only", "--cherry-mark", "--no-merges", "--reverse", "--topo-order")
    return _records(git.query("rev-list", *walk, *_SHAPE, f"{base}...{commit}").stdout)


def stamp(times: Iterable[int]) -> str:
    """Committer and date of what is made from commits of those dates: the latest of them, whatever the clock says."""
    return f"{WHO} {min(max(0, *times), _LATEST)} +0000"


def write(git: Runner, tree: str, parents: Sequence[str], people: tuple[str, str], message: str) -> str:
    """The id of a commit. :param people: author and committer, each with a date."""
    text = commit_text(tree, parents, people, message)
    return git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).text


def _records(told: str) -> list[Original]:
    found = []
    for record in told.split("\0"):
        if not record.strip():
            continue
        mark, sha, tree, parents, when, author, message = record.lstrip("\n").split("\n", 6)
        dated = author if _DATED.search(author) else f"{author.rpartition('>')[0]}> {when} +0000"
        found.append(Original(sha, tree, tuple(parents.split()), int(when), dated, message, mark == "="))
    return found
