"""From what a person writes (a number, Change-Id, commit, URL, topic) to one change and patchset; fetches none.

A change of another server or of another project is none of this repository's, and is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_review.commands import ask
from git_review.commands.context import Context
from git_review.gerrit.address import (
    ChangeName,
    TopicName,
    change_ref,
    may_be_same,
    parse_change,
    parse_remote,
    parse_search,
)
from git_review.gerrit.errors import AddressError, GerritError, NotGerrit
from git_review.gerrit.model import Change
from git_review.git.repo import FETCH
from git_review.messages import changes as said
from git_review.plan import Git
from git_review.records import dataclass, replace

_COMMIT = re.compile(r"(?=.*[a-f])[0-9a-f]{7,64}")
_WITH_PATCHSET = re.compile(r"(?P<name>[^/,]+)[,/](?P<patchset>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Named:
    """What a person asks for: a search term, and perhaps a patchset.

    :ivar server: the base URL, and :ivar project: the project, as far as the name tells them.
    """

    term: tuple[str, str]
    name: str
    patchset: int | None
    server: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A change with the patchset to take. :ivar asked_patchset: the person named it."""

    change: Change
    patchset: int
    asked_patchset: bool = False

    @property
    def ref(self) -> str:
        """Where the server keeps it."""
        return change_ref(self.change.number, self.patchset)


def parse(name: str) -> Named:
    """What `name` means: a number, a Change-Id, a commit or a URL, with ``,PS`` or ``/PS`` behind it.

    :raises ReviewError: none of these.
    """
    text, patchset = name.strip(), None
    if (match := _WITH_PATCHSET.fullmatch(text)) and not match["name"].isdigit():
        text, patchset = match["name"], int(match["patchset"])
    if _COMMIT.fullmatch(text):
        return Named(("commit", text), text, patchset)
    try:
        link = parse_search(text)
        found = link if isinstance(link, ChangeName) else parse_change(text)
    except AddressError as error:
        raise said.no_change_named(name) from error
    asked = str(found.number) if found.number is not None else found.change_id or ""
    patchset = found.patchset if patchset is None else patchset
    return Named(("change", asked), asked, patchset, found.server, found.project)


def topic_of(name: str) -> TopicName | None:
    """The topic that `name` means, if it means one."""
    try:
        link = parse_search(name)
    except AddressError as error:
        raise said.no_change_named(name) from error
    return link if isinstance(link, TopicName) else None


def find(context: Context, name: str, patchset: int | None = None) -> Found:
    """The change, and the patchset that is named, else the newest. :raises ReviewError: there is none, or no answer."""
    named = parse(name)
    wanted = named.patchset if patchset is None else patchset
    _refuse_other_server(context, named.server)
    changes = _asked(context, [ask.term(*named.term)], patchsets=wanted is not None)
    _refuse_other_server(context, named.server, changes)
    if not changes:
        raise said.no_such_change(named.name)
    change = _chosen(context, changes, named)
    numbers = [entry.number for entry in change.patchsets]
    if wanted is not None and wanted not in numbers:
        raise said.no_such_patchset(named.name, wanted)
    if change.number < 1 or not numbers:
        raise said.strange_answer(f"change {change.number} without a patchset", 36)
    return Found(change, wanted or numbers[-1], wanted is not None)


def tip_of_topic(context: Context, wanted: TopicName) -> Found:
    """The change of a topic on which none of the topic's others is made, in this project and for this branch."""
    topic = wanted.topic
    _refuse_other_server(context, wanted.server)
    names = {"topic": topic, "status": "open", "project": ask.project_name(context), "branch": context.branch}
    changes = _asked(context, [ask.term(key, value) for key, value in names.items()], patchsets=False)
    _refuse_other_server(context, wanted.server, changes)
    if not changes:
        raise said.no_open_change_in(topic)
    tips = {change.number for change in changes}
    if len(changes) > 1:
        from git_review.commands.chain import chain_of

        for change in changes:
            if change.number in tips:
                tips -= set(chain_of(context, change).below(change.number))
    if len(tips) != 1:
        raise said.several_tips(topic, ", ".join(str(number) for number in sorted(tips)))
    change = next(change for change in changes if change.number in tips)
    if not change.patchsets:
        raise said.strange_answer(f"change {change.number} without a patchset", 36)
    return Found(change, change.patchsets[-1].number)


def fetch_step(context: Context, found: Found) -> Git:
    """The fetch of a patchset to FETCH_HEAD."""
    words = (*FETCH, ask.push_url(context), found.ref)
    first = said.DOWNLOADING.format(found.ref)
    return Git(words, lambda details: said.cannot_fetch_patchset(found.ref, details), first=first)


def _asked(context: Context, terms: Sequence[str], *, patchsets: bool) -> list[Change]:
    try:
        return list(ask.changes(context, terms, ask.Wanted(patchsets=patchsets)))
    except NotGerrit as error:
        raise said.query_failed(error, 35) from error
    except GerritError as error:
        raise said.query_failed(error, 34) from error


def _chosen(context: Context, changes: Sequence[Change], named: Named) -> Change:
    """Of several changes with one Change-Id, the one of this project, and of the target branch.

    :raises ReviewError: none is of this project.
    """
    project = parse_remote(ask.push_url(context)).project
    ours = [change for change in changes if _is_project(project, change.project)]
    fitting = [change for change in ours if named.project in (None, change.project)]
    if not fitting:
        raise said.other_project(named.name, sorted({change.project for change in changes}), named.project, project)
    return next((change for change in fitting if change.branch == context.branch), fitting[0])


def _is_project(path: str, project: str) -> bool:
    """Whether a remote's path ends with the project: by HTTP, the server's own path may come before it."""
    return path == project or path.endswith(f"/{project}")


def _refuse_other_server(context: Context, url: str | None, changes: Sequence[Change] | None = None) -> None:
    """Refuse a URL of a server that is not the remote's.

    By SSH the server may go by another name than on the web, and tells that one with each change.

    :param changes: what the server found; None before it was asked.
    """
    if url is None:
        return
    remote = parse_remote(ask.push_url(context))
    hosts = {remote.host, (context.settings.host or "") if context.options.remote is None else ""}
    if any(may_be_same(replace(remote, host=host.lower()), url) for host in hosts):
        return
    if remote.scheme == "ssh" and changes is None:
        return
    if not any(may_be_same(replace(remote, host=_host(change.url)), url) for change in changes or ()):
        raise said.other_server(url, context.remote, remote.host)


def _host(url: str) -> str:
    try:
        return parse_remote(url).host
    except AddressError:
        return ""
