"""Do the commits still apply on the target branch? Tried in memory; the person's tree is only ever read here.

The one exception is -K, which was asked to leave a conflict in the tree.
"""

from __future__ import annotations

from collections.abc import Callable

from git_review import messages
from git_review.commands.context import Context, Rebase
from git_review.commands.rebase import begin_rebase
from git_review.errors import ReviewError
from git_review.git import applies as trial
from git_review.git import repo
from git_review.git.errors import GitFailed, MergeConflict
from git_review.git.refs import tracking
from git_review.git.runner import Pending


def wanted(context: Context) -> Rebase:
    """What is to be done about the target branch's progress."""
    return context.options.rebase or (Rebase.TEST if context.settings.rebase else Rebase.NONE)


def remember(context: Context) -> None:
    """Without the check, ask the server only where nothing at all is known of the target branch."""
    if context.options.dry_run or repo.commit_id(context.runner, tracking(context.remote, context.branch)):
        return
    try:
        repo.fetch_branch(context.runner, context.remote, context.branch)
    except repo.BranchMissing:
        return
    except GitFailed as error:
        raise messages.cannot_fetch(context.remote, error.details) from error


def target_of(
    context: Context, rebase: Rebase, meanwhile: tuple[Pending | None, Pending], unmoved: Callable[[], str | None]
) -> str | None:
    """The target branch's commit, on which HEAD's commits still apply; None where no check is wanted.

    :param meanwhile: git looks at what is checked out, and lists the commits that no remembered branch has. Local edits
        are the first thing that is refused, whatever else there is, and before anything is done to the work tree.
    :param unmoved: gives the commit where the server has told that it still is what is remembered.
    """
    looking, listing = meanwhile
    if looking is None:
        remember(context)
        return None
    try:
        target = fetched(context, unmoved)
        if rebase is Rebase.KEEP:
            refuse_edits(repo.state(looking))
        if rebase is not Rebase.FORCE:
            applies(context, target, rebase, listing)
    except ReviewError:
        refuse_edits(repo.state(looking))
        raise
    refuse_edits(repo.state(looking))
    return target


def refuse_edits(state: repo.State) -> None:
    """Local edits are for their author to put away. :raises ReviewError: there are some, or there is no commit."""
    if state.unstaged:
        raise messages.unstaged()
    if state.staged:
        raise messages.uncommitted()
    if state.commit is None:
        raise messages.no_commit()


def fetched(context: Context, unmoved: Callable[[], str | None] = lambda: None, *, whole: bool = False) -> str:
    """The target branch's commit as the server has it now; a dry run moves no ref for it.

    :param unmoved: gives it where there is no need to fetch it, as the server has told.
    :param whole: the commit itself is wanted, too, and not only its id.
    """
    try:
        if context.options.dry_run:
            target = repo.peek_branch(context.runner, context.push_place, context.branch)
            if (whole or wanted(context) is Rebase.FORCE) and repo.commit_id(context.runner, target) is None:
                repo.obtain(context.runner, context.push_place, context.branch)
            return target
        return unmoved() or repo.fetch_branch(context.runner, context.remote, context.branch)
    except repo.BranchMissing as error:
        raise messages.no_such_branch(context.remote, context.branch) from error
    except GitFailed as error:
        raise messages.cannot_fetch(context.remote, error.details) from error


def _count(context: Context, target: str, listing: Pending) -> int:
    """How many commits apply. A dry run may have to fetch the target first: it has only been told its id."""
    try:
        if repo.rest_on(repo.found(listing), target):
            return 0
        return trial.check_applies(context.runner, context.places, target)
    except GitFailed:
        if not context.options.dry_run or repo.commit_id(context.runner, target) is not None:
            raise
        repo.obtain(context.runner, context.push_place, context.branch)
        return trial.check_applies(context.runner, context.places, target)


def applies(context: Context, target: str, rebase: Rebase, listing: Pending) -> None:
    """:raises ReviewError: a commit of HEAD does not apply on `target`, which names it and its files."""
    place = (context.remote, context.branch)
    context.progress(messages.check_in_place_of(*place))
    try:
        count = _count(context, target, listing)
    except MergeConflict as conflict:
        kept = rebase is Rebase.KEEP and not context.options.dry_run
        if kept:
            begin_rebase(context, target)
        raise messages.conflict(place, _named(context, conflict.commit), conflict.files, kept) from conflict
    except trial.Unrelated as error:
        raise messages.unrelated(*place) from error
    except trial.CannotTry as error:
        context.talk.warn(messages.check_impossible(error.details))
        return
    context.progress(messages.check_passed(count, *place))


def _named(context: Context, commit: str) -> tuple[str, str]:
    subject = context.runner.query("log", "-1", "--no-show-signature", "--format=%s", commit, "--").text
    return commit, subject
