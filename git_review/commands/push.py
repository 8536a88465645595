"""`git review`: HEAD's commits go up for review; the check before that is in memory, and asks the target branch only.

Observe (read, fetch, try to merge), then plan (pure), then carry out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_review import hooks, messages
from git_review.commands.context import Context, Rebase
from git_review.commands.finish import finish_steps
from git_review.commands.setup import ensure_remote, hook_steps, update
from git_review.git import repo
from git_review.git.errors import GitFailed, MergeConflict
from git_review.git.refs import tracking
from git_review.git.trailers import change_id
from git_review.plan import Confirm, Git, Push, Say, Step, Stop, carry_out
from git_review.pushspec import push_words

_SCRIPTS = ("pre-review", "post-review")
_NO_EDITOR = {"GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":"}


@dataclass(frozen=True, slots=True)
class Observed:
    """What an upload is planned from.

    :ivar rebase: what is to be done about the target branch. :ivar commits: those that would go up, newest first.
    :ivar hook_missing: git would not have run a Change-Id hook for them.
    :ivar hook: the steps that put it there. :ivar finish: the steps after a good push.
    """

    remote: str
    branch: str
    rebase: Rebase
    commits: tuple[repo.Commit, ...]
    hook_missing: bool
    hook: tuple[Step, ...]
    finish: tuple[Step, ...]


def push(context: Context) -> None:
    """Upload. :raises ReviewError: it was refused, cancelled, or failed; then its exit code is git push's."""
    observed = observe(context)
    carry_out(plan(observed, context), context.runner, context.talk)


def observe(context: Context) -> Observed:
    """Read what the plan needs, fetch the target branch and try whether the commits still apply on it."""
    _refuse_scripts(context)
    ensure_remote(context)
    if context.options.update:
        update(context)
    finish = finish_steps(context) if context.options.finish else ()
    rebase = _rebase(context)
    target = None
    if rebase is Rebase.NONE:
        _remember(context)
    else:
        target = _checked(context, rebase)
    missing = not hooks.look(context.places.hooks).runs
    hook = tuple(hook_steps(context))
    commits = _commits(context, target)
    return Observed(context.remote, context.branch, rebase, commits, missing, hook, finish)


def plan(observed: Observed, context: Context) -> list[Step]:
    """The steps of the upload; refusals are steps as well, so that a dry run tells all that would come before them."""
    options = context.options
    steps: list[Step] = [*observed.hook]
    if observed.rebase is Rebase.FORCE:
        steps.append(_rebase_step(observed))
    listed = [(commit.id, commit.subject) for commit in observed.commits]
    if not listed:
        steps.append(_asked(messages.nothing_new(observed.remote), "there is nothing to upload", options.dry_run))
    elif len(listed) > 1 and not options.yes:
        steps.append(_asked(messages.several(listed), "--yes uploads them all", options.dry_run))
    steps += _change_id_steps(observed, options.dry_run)
    steps.append(Push(push_words(observed.remote, observed.branch, options.push, thin=options.thin)))
    return [*steps, *observed.finish]


def _refuse_scripts(context: Context) -> None:
    if not context.options.custom_scripts:
        return
    found = [context.places.hooks / name for name in _SCRIPTS]
    found += [place / name for place in context.settings.script_places for name in _SCRIPTS]
    scripts = [file for file in found if file.is_file() and os.access(file, os.X_OK)]
    if scripts:
        raise messages.scripts_not_run(scripts)


def _rebase(context: Context) -> Rebase:
    return context.options.rebase or (Rebase.TEST if context.settings.rebase else Rebase.NONE)


def _remember(context: Context) -> None:
    """Without the check, ask the server only where nothing at all is known of the target branch."""
    if context.options.dry_run or repo.commit_id(context.runner, tracking(context.remote, context.branch)):
        return
    try:
        repo.fetch_branch(context.runner, context.remote, context.branch)
    except repo.BranchMissing:
        return
    except GitFailed as error:
        raise messages.cannot_fetch(context.remote, error.details) from error


def _checked(context: Context, rebase: Rebase) -> str:
    """The target branch's commit, once HEAD's commits are known to apply on it."""
    state = repo.state(context.runner)
    if state.unstaged:
        raise messages.unstaged()
    if state.staged:
        raise messages.uncommitted()
    if state.commit is None:
        raise messages.no_commit()
    target = _fetched(context)
    if rebase is not Rebase.FORCE:
        _check(context, target, rebase)
    return target


def _fetched(context: Context) -> str:
    try:
        if context.options.dry_run:
            return repo.peek_branch(context.runner, context.push_place, context.branch)
        return repo.fetch_branch(context.runner, context.remote, context.branch)
    except repo.BranchMissing as error:
        raise messages.no_such_branch(context.remote, context.branch) from error
    except GitFailed as error:
        raise messages.cannot_fetch(context.remote, error.details) from error


def _check(context: Context, target: str, rebase: Rebase) -> None:
    place = (context.remote, context.branch)
    context.progress(messages.check_in_place_of(*place))
    try:
        count = repo.check_applies(context.runner, context.places, target)
    except MergeConflict as conflict:
        kept = rebase is Rebase.KEEP and not context.options.dry_run
        if kept:
            context.runner.run(*_rebase_words(*place), environment=_NO_EDITOR, ok=range(256))
        raise messages.conflict(place, _named(context, conflict.commit), conflict.files, kept) from conflict
    except repo.Unrelated as error:
        raise messages.unrelated(*place) from error
    except repo.GitTooOld:
        context.talk.warn(messages.CHECK_IMPOSSIBLE)
        return
    context.progress(messages.check_passed(count, *place))


def _named(context: Context, commit: str) -> tuple[str, str]:
    subject = context.runner.query("log", "-1", "--no-show-signature", "--format=%s", commit, "--").text
    return commit, subject


def _commits(context: Context, target: str | None) -> tuple[repo.Commit, ...]:
    try:
        return repo.outgoing(context.runner, context.remote, target)
    except GitFailed as error:
        if repo.commit_id(context.runner, "HEAD") is None:
            raise messages.no_commit() from error
        raise


def _rebase_words(remote: str, branch: str) -> tuple[str, ...]:
    """The rebase of the person's own branch: this branch only, and each commit as it is."""
    neutral = ("-c", "rebase.updateRefs=false", "-c", "rebase.autoSquash=false", "-c", "rebase.autoStash=false")
    return (*neutral, "rebase", "--rebase-merges", "-i", f"remotes/{remote}/{branch}")


def _rebase_step(observed: Observed) -> Git:
    place = (observed.remote, observed.branch)
    return Git(
        _rebase_words(*place),
        failure=lambda words: messages.rebase_failed(place, words),
        undo=("rebase", "--abort"),
        environment=_NO_EDITOR,
    )


def _asked(question: str, option: str, dry_run: bool) -> Step:
    """A dry run tells what would be asked, and asks nothing."""
    return Say(question) if dry_run else Confirm(question, option)


def _change_id_steps(observed: Observed, dry_run: bool) -> list[Step]:
    """Commits made while the hook was missing: HEAD gets its Change-Id, more than that is for the person to do."""
    if not observed.hook_missing:
        return []
    lacking = [commit for commit in observed.commits if change_id(commit.message) is None]
    if not lacking:
        return []
    if lacking == [observed.commits[0]]:
        words = ("commit", "--amend", "--only", "--no-edit", "--allow-empty", "--no-post-rewrite")
        subject = messages.AMENDING.format(lacking[0].subject)
        return [Git(words, failure=messages.amend_failed, environment=_NO_EDITOR, first=subject)]
    listed = [(commit.id, commit.subject) for commit in lacking]
    return [Say(messages.no_change_ids_dry(listed)) if dry_run else Stop(messages.no_change_ids(listed))]
