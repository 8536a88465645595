"""`git review -d`: a patchset from the server into a branch ``review/NUMBER``; local edits are never overwritten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from git_review import messages
from git_review.commands import ask
from git_review.commands.context import Context, upstream
from git_review.commands.setup import ensure_remote
from git_review.errors import ReviewError
from git_review.gerrit.address import change_ref, parse_change
from git_review.gerrit.errors import AddressError, GerritError, NotGerrit
from git_review.gerrit.model import Change
from git_review.git.errors import GitFailed
from git_review.git.refs import head, is_branch
from git_review.git.repo import branch_name, commit_id
from git_review.plan import Git, Say, Step, carry_out

_COMMIT = re.compile(r"(?=.*[a-f])[0-9a-f]{7,64}")
_WITH_PATCHSET = re.compile(r"(?P<name>[^/,]+)[,/](?P<patchset>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: a search term, and perhaps a patchset."""

    term: tuple[str, str]
    name: str
    patchset: int | None


def download(context: Context, name: str) -> None:
    """Fetch a change's patchset (the current one unless one is named) and check it out in a branch of its own.

    :raises ReviewError: no such change (36) or patchset (38), the server cannot be asked (34) or makes no sense (35),
        the branch follows something else (70), or local edits are in the way (64, 65, 66).
    """
    wanted = parse(name)
    ensure_remote(context)
    change, patchset = _found(context, wanted)
    branch = f"review/{change.number}" + (f"-patch{patchset}" if wanted.patchset is not None else "")
    target = change.branch if is_branch(change.branch) else context.branch
    exists = commit_id(context.runner, head(branch))
    _refuse_other_upstream(context, branch, target, exists)
    ref = change_ref(change.number, patchset)
    carry_out(_steps(context, branch, ref, exists), context.runner, context.talk)
    _follow(context, branch, target)
    if not context.runner.dry_run:
        context.talk.say(messages.SWITCHED.format(branch))


def parse(name: str) -> Wanted:
    """What `name` means: a number, a Change-Id, a commit or a URL, with ``,PS`` or ``/PS`` behind it.

    :raises ReviewError: none of these.
    """
    text, patchset = name.strip(), None
    if (match := _WITH_PATCHSET.fullmatch(text)) and not match["name"].isdigit():
        text, patchset = match["name"], int(match["patchset"])
    if _COMMIT.fullmatch(text):
        return Wanted(("commit", text), text, patchset)
    try:
        found = parse_change(text)
    except AddressError as error:
        raise messages.no_change_named(name) from error
    asked = str(found.number) if found.number is not None else found.change_id or ""
    return Wanted(("change", asked), asked, found.patchset if patchset is None else patchset)


def _found(context: Context, wanted: Wanted) -> tuple[Change, int]:
    """The change and the number of the patchset to fetch."""
    try:
        changes = list(ask.changes(context, [wanted.term], patchsets=wanted.patchset is not None))
    except NotGerrit as error:
        raise messages.query_failed(error, 35) from error
    except GerritError as error:
        raise messages.query_failed(error, 34) from error
    if not changes:
        raise messages.no_such_change(wanted.name)
    change = _chosen(context, changes)
    numbers = [entry.number for entry in change.patchsets]
    if wanted.patchset is not None and wanted.patchset not in numbers:
        raise messages.no_such_patchset(wanted.name, wanted.patchset)
    if change.number < 1 or not numbers:
        raise messages.strange_answer(f"change {change.number} without a patchset", 35)
    return change, wanted.patchset or numbers[-1]


def _chosen(context: Context, changes: Sequence[Change]) -> Change:
    """Of several changes with one Change-Id, the one of this project, and of the target branch."""
    ours = [change for change in changes if change.project == context.settings.project] or list(changes)
    return next((change for change in ours if change.branch == context.branch), ours[0])


def _refuse_other_upstream(context: Context, branch: str, target: str, exists: str | None) -> None:
    follows = upstream(context.settings, branch) if exists else None
    if follows is not None and follows != (context.remote, target):
        raise messages.other_upstream(branch, "/".join(follows), f"{context.remote}/{target}")


def _steps(context: Context, branch: str, ref: str, exists: str | None) -> list[Step]:
    place = ask.push_url(context)
    fetch = ("fetch", "--no-tags", "--no-recurse-submodules", place, ref)
    steps: list[Step] = [
        Git(fetch, lambda words: messages.cannot_fetch_patchset(ref, words), first=messages.DOWNLOADING.format(ref))
    ]
    if exists is None:
        new = ("checkout", "-b", branch, "--no-track", "FETCH_HEAD")
        return [*steps, Git(new, lambda said: messages.not_checked_out(branch, said, 64))]
    steps.append(Say(messages.reusing(branch, exists)))
    if branch_name(context.runner) == branch:
        reset = ("reset", "--keep", "FETCH_HEAD")
        return [*steps, Git(reset, lambda said: messages.not_checked_out(branch, said, 66))]
    again = ("checkout", "-B", branch, "--no-track", "FETCH_HEAD")
    return [*steps, Git(again, lambda said: messages.not_checked_out(branch, said, 65))]


def _follow(context: Context, branch: str, target: str) -> None:
    """Set the upstream; where the target branch is not remembered yet, fetch the remote first."""
    words = ("branch", f"--set-upstream-to={context.remote}/{target}", branch)
    try:
        context.runner.run(*words)
    except GitFailed:
        try:
            context.runner.run("fetch", "--no-recurse-submodules", context.remote)
            context.runner.run(*words)
        except ReviewError as error:
            raise messages.no_upstream_set(branch, error.details or error.brief) from error
