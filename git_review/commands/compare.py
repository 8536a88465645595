"""`git review -m`: how two patchsets of a change differ; both are rebased in memory, and nothing is checked out."""

from __future__ import annotations

import re

from git_review.commands import ask, check, show
from git_review.commands.context import Context, Rebase
from git_review.commands.find import Found, find
from git_review.commands.setup import ensure_remote
from git_review.git import repo, scratch
from git_review.git.errors import GitFailed, MergeConflict
from git_review.messages import changes as said

_NAME = re.compile(r"(?P<change>.+?)[,/](?P<old>[0-9]+)(?:-(?P<new>[0-9]+))?")


def compare(context: Context) -> None:
    """Show the range-diff of two patchsets, then the difference of their files.

    2.5.0 checks both out in branches of their own, rebases these and leaves the person on the second one. The
    difference of files here is the same, but neither branch, HEAD nor work tree is touched: unless -R is given, both
    are put on the target branch's newest commit first (in memory), so that only what their author changed is seen;
    where one does not apply there, both stay where they are.

    :raises ReviewError: not two patchsets (39); otherwise as for a download.
    """
    ensure_remote(context)
    old, new = _two(context)
    commits = []
    for found in (old, new):
        context.talk.say(said.DOWNLOADING.format(found.ref))
        commits.append(_fetched(context, found))
    told: dict[str, object] = {
        "number": old.change.number,
        "old": {"patchset": old.patchset, "commit": commits[0]},
        "new": {"patchset": new.patchset, "commit": commits[1]},
    }
    target = None if check.wanted(context) is Rebase.NONE else check.fetched(context, whole=True)
    with scratch.in_memory(context.runner, context.places) as trial:
        trees = commits if target is None else _trees(context, trial, target, commits)
        # Two patchsets of one change are versions of one commit, however much they differ.
        for words in (
            ("range-diff", "--creation-factor=999", *(f"{commit}^!" for commit in commits)),
            ("diff", *trees),
        ):
            text = trial.git.query(words[0], _color(context), "--no-ext-diff", *words[1:]).stdout
            context.talk.show(said.colored(text))
        if context.options.json:
            told["diff"] = trial.git.query("diff", "--no-color", "--no-ext-diff", *trees).stdout
    context.talk.result(told)


def _two(context: Context) -> tuple[Found, Found]:
    name = context.options.change.strip()
    match = _NAME.fullmatch(name)
    if match is None:
        raise said.not_two_patchsets(name)
    old = find(context, match["change"], int(match["old"]))
    newest = match["new"]
    new = find(context, match["change"], int(newest)) if newest else find(context, match["change"])
    if old.patchset == new.patchset:
        raise said.not_two_patchsets(name)
    return old, new


def _fetched(context: Context, found: Found) -> str:
    """The patchset's commit, fetched without a ref or FETCH_HEAD for it."""
    known = found.change.patchset(found.patchset)
    quiet = ("--no-write-fetch-head", "--no-auto-maintenance")
    try:
        context.runner.query(*repo.FETCH, *quiet, ask.push_url(context), found.ref)
    except GitFailed as error:
        raise said.cannot_fetch_patchset(found.ref, error.details) from error
    commit = repo.commit_id(context.runner, known.commit) if known and known.commit else None
    if commit is None:
        raise said.cannot_fetch_patchset(found.ref, "the server gave another commit than it named")
    return commit


def _trees(context: Context, trial: scratch.Trial, target: str, commits: list[str]) -> list[str]:
    """What to compare: both on the target branch where they apply there, else as they are."""
    try:
        return [trial.merge(target, commit) for commit in commits]
    except MergeConflict:
        context.talk.warn(said.COMPARED_AS_THEY_ARE)
    except scratch.GitTooOld:
        context.talk.warn(said.NOT_REBASED)
    return commits


def _color(context: Context) -> str:
    return "--color=always" if show.colored(context) else "--color=never"
