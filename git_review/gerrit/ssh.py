"""`gerrit query` through the system's ssh, so that a person's keys, agent and jump hosts are used; votes on nothing.

Source: Gerrit's documentation of ``gerrit query --format=JSON``: one object a line, the last one is the statistics.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePath

from git_review.gerrit.address import Remote
from git_review.gerrit.errors import GerritError, NotGerrit, Unreachable, printable, words
from git_review.gerrit.model import Account, Change, Json, Label, PatchSet, Vote, integer, table, tables, text
from git_review.git.errors import GitError
from git_review.git.runner import Output, program
from git_review.records import dataclass

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import Any

PAGE_LIMIT = 200
"""How many pages of one query are asked for at most: a server that always promises more must not keep us for ever."""

LIMIT = 45.0
"""Seconds that a server has for a whole answer, where nobody says otherwise."""

_PLAIN = re.compile(r"[A-Za-z0-9_./@+-]+")
_PLINK = ("plink", "tortoiseplink", "putty")


def term(operator: str, value: str) -> str:
    """``operator:value`` in Gerrit's query language, in quotes where that is needed.

    :raises GerritError: no quoting could carry the value.
    """
    if _PLAIN.fullmatch(value):
        return f"{operator}:{value}"
    if '"' in value or "\\" in value or not value.isprintable():
        raise GerritError(
            f"{printable(value, 80)!r} cannot be searched for", hint="there is a quote or a backslash in it"
        )
    return f'{operator}:"{value}"'


@dataclass(frozen=True, slots=True)
class Page:
    """How a search is asked for.

    :ivar patchsets: all patchsets are wanted, not only the current one. :ivar start: so many changes are left out.
    :ivar silent: nobody may be asked for a pass-phrase, a password or a host's key.
    :ivar timeout: seconds for each page. :ivar tell: called with each command line before it runs.
    :ivar waiting: called with it when the server has been silent for a while.
    """

    patchsets: bool = False
    start: int = 0
    silent: bool = False
    timeout: float = LIMIT
    tell: Callable[[str], None] | None = None
    waiting: Callable[[str], None] | None = None


def query(ssh: Sequence[str], remote: Remote, terms: Sequence[str], page: Page | None = None) -> Iterator[Change]:
    """The changes that a search finds, most recently updated first, page by page as they are taken.

    :param ssh: the words that ssh is started with. :param remote: where the server is.
    :raises Unreachable: ssh failed. :raises NotGerrit: the answer is none of Gerrit's. :raises GerritError: it refused.
    """
    page = page or Page()
    start = page.start
    # A term that begins with a hyphen would be taken for an option.
    safe = [f"({one})" if one.startswith("-") else one for one in terms]
    for _ in range(PAGE_LIMIT):
        asked = ["gerrit", "query", "--format=JSON", "--current-patch-set"]
        asked += ["--patch-sets"] if page.patchsets else []
        asked += ["--start", str(start)] if start else []
        argv = [*command(ssh, remote, silent=page.silent), shlex.join([*asked, *safe])]
        rows, more = _rows(_run(argv, remote, page))
        yield from (_change(row) for row in rows)
        start += len(rows)
        if not more or not rows:
            return


@dataclass(frozen=True, slots=True)
class Links:
    """What a change's newest patchset is made of, and what is made on it.

    :ivar commit: that patchset's. :ivar made_of: open changes, and whether it is their newest patchset.
    :ivar made_on_it: open changes, and the commits that are made on it.
    """

    commit: str
    made_of: tuple[tuple[int, bool], ...]
    made_on_it: tuple[tuple[int, str], ...]


def links(ssh: Sequence[str], remote: Remote, number: int, page: Page | None = None) -> Links:
    """The neighbours of a change. Errors as for :func:`query`."""
    page = page or Page()
    asked = ["gerrit", "query", "--format=JSON", "--current-patch-set", "--dependencies", f"change:{number}"]
    rows, _ = _rows(_run([*command(ssh, remote, silent=page.silent), shlex.join(asked)], remote, page))
    below = [entry for row in rows for entry in tables(row, "dependsOn")]
    above = [entry for row in rows for entry in tables(row, "neededBy")]
    return Links(
        text(table(rows[0], "currentPatchSet"), "revision") if rows else "",
        tuple((integer(entry, "number") or 0, entry.get("isCurrentPatchSet") is not False) for entry in below),
        tuple((integer(entry, "number") or 0, text(entry, "revision")) for entry in above),
    )


def reviewers(ssh: Sequence[str], remote: Remote, number: int, page: Page | None = None) -> frozenset[str]:
    """User names, mail addresses and names, in small letters, of a change's owner, reviewers and people in copy."""
    page = page or Page()
    asked = ["gerrit", "query", "--format=JSON", "--all-reviewers", f"change:{number}"]
    rows, _ = _rows(_run([*command(ssh, remote, silent=page.silent), shlex.join(asked)], remote, page))
    people = [one for row in rows for one in (*tables(row, "allReviewers"), table(row, "owner"))]
    return frozenset(
        text(one, key).lower() for one in people for key in ("username", "email", "name") if text(one, key)
    )


def command(ssh: Sequence[str], remote: Remote, *, silent: bool = False) -> list[str]:
    """The command line to the server, without what runs there. ``-x``: no window system is forwarded."""
    plink = is_plink(ssh)
    port = [] if remote.port is None else ["-P" if plink else "-p", str(remote.port)]
    host = remote.host if remote.user is None else f"{remote.user}@{remote.host}"
    quiet = (["-batch"] if plink else ["-o", "BatchMode=yes"]) if silent else []
    return [*ssh, "-x", *quiet, *port, host]


def is_plink(ssh: Sequence[str]) -> bool:
    """Whether that is PuTTY's, whose options are its own."""
    name = ssh[0]
    if tuple(ssh[:2]) == ("sh", "-c"):
        with contextlib.suppress(ValueError):
            name = next(iter(shlex.split(ssh[3])), "")
    return PurePath(name).name.lower().removesuffix(".exe") in _PLINK


def _run(argv: Sequence[str], remote: Remote, page: Page) -> str:
    try:
        output: Output = program(argv, timeout=page.timeout, tell=page.tell, waiting=page.waiting)
    except GitError as error:
        raise Unreachable(f"{remote.host} cannot be asked: {error.brief}", hint=error.hint) from error
    if output.status != 0 and not output.stdout.strip():
        raise Unreachable(
            f"ssh to {remote.host} ended with status {output.status}",
            body=printable(output.stderr),
            hint="does `ssh -v` with the same host, port and user name get through?",
        )
    return output.stdout


def _rows(output: str) -> tuple[list[dict[str, Any]], bool]:
    """The changes of an answer, and whether the server has more of them."""
    rows: list[dict[str, Any]] = []
    for line in output.splitlines():
        if not line.strip():
            continue
        row = _decoded(line)
        if row.get("type") == "error":
            raise GerritError("the server refused the query", body=printable(str(row.get("message", ""))))
        if row.get("type") == "stats":
            return rows, row.get("moreChanges") is True
        rows.append(row)
    raise NotGerrit(
        "the server's answer is incomplete",
        body=words(output),
        hint="the last line of a query's answer has the statistics, and it is missing: try again",
    )


def _decoded(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotGerrit("the server's answer is no JSON that could be read", body=words(line)) from error
    if not isinstance(row, dict):
        raise NotGerrit("the server's answer is no list of changes", body=words(line))
    return row


def _change(row: dict[str, Any]) -> Change:
    current = table(row, "currentPatchSet")
    listed = tables(row, "patchSets") or ((current,) if current else ())
    found = [PatchSet(integer(entry, "number") or 0, text(entry, "revision"), text(entry, "ref")) for entry in listed]
    owner = table(row, "owner")
    return Change(
        project=text(row, "project"),
        number=integer(row, "number") or 0,
        branch=text(row, "branch"),
        change_id=text(row, "id"),
        subject=text(row, "subject"),
        status=text(row, "status"),
        topic=text(row, "topic"),
        owner=Account(None, text(owner, "name"), text(owner, "email"), text(owner, "username")),
        wip=row.get("wip") is True,
        private=row.get("private") is True,
        current_commit=text(current, "revision"),
        patchsets=tuple(sorted((entry for entry in found if entry.number), key=lambda entry: entry.number)),
        labels=_labels(current or (listed[-1] if listed else {})),
        updated=_when(integer(row, "lastUpdated")),
        url=text(row, "url"),
    )


def _labels(patchset: Json) -> tuple[Label, ...]:
    votes: dict[str, list[Vote]] = {}
    for entry in tables(patchset, "approvals"):
        value = text(entry, "value")
        if value.lstrip("+-").isdigit():
            by = table(entry, "by")
            who = Account(None, text(by, "name"), text(by, "email"), text(by, "username"))
            votes.setdefault(text(entry, "type"), []).append(Vote(who, int(value)))
    return tuple(Label(name, votes=tuple(given)) for name, given in sorted(votes.items()))


def _when(seconds: int | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
