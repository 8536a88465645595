"""`git review -d`: a patchset from the server into a branch ``review/NUMBER``; local edits are never overwritten."""

from __future__ import annotations

from pathlib import Path

from git_review.commands.chain import Chain, chain_of
from git_review.commands.context import Context, upstream
from git_review.commands.find import Found, fetch_step, find, tip_of_topic, topic_of
from git_review.commands.setup import ensure_remote
from git_review.errors import ReviewError
from git_review.gerrit.model import Change
from git_review.git.errors import GitFailed
from git_review.git.refs import head, is_branch
from git_review.git.repo import FETCH_ALL, branch_name, commit_id, fetch_branch
from git_review.messages import changes as said
from git_review.plan import Git, Say, Step, carry_out


def download(context: Context) -> None:
    """Fetch a change's patchset (the current one unless one is named) and check it out in a branch of its own.

    ``topic:NAME``, or the topic's URL, is the newest change of a topic's chain; with --chain it is the newest change of
    the whole chain.

    :raises ReviewError: no such change (35) or patchset (36, 38), the server cannot be asked (34), makes no sense (35),
        the branch follows something else (75), or local edits are in the way (64, 65, 66).
    """
    ensure_remote(context)
    topic = topic_of(context.options.change)
    found = find(context, context.options.change) if topic is None else tip_of_topic(context, topic)
    chain = Chain((found.change.number,))
    if context.options.chain:
        chain = chain_of(context, found.change)
        numbers = chain.numbers
        found = found if numbers[0] == found.change.number else find(context, str(numbers[0]))
    branch = f"review/{found.change.number}" + (f"-patch{found.patchset}" if found.asked_patchset else "")
    target = found.change.branch if is_branch(found.change.branch) else context.branch
    exists = commit_id(context.runner, head(branch))
    _refuse_other_upstream(context, branch, target, exists)
    if exists is not None:
        _refuse_other_work_tree(context, branch)
    carry_out(_steps(context, branch, found, exists), context.runner, context.talk)
    _follow(context, branch, target)
    if not context.runner.dry_run:
        _tell(context, branch, found, chain)


def _tell(context: Context, branch: str, found: Found, chain: Chain) -> None:
    change: Change = found.change
    if context.options.chain:
        context.talk.say(said.chain(chain.numbers, chain.outdated))
    if context.options.worktree is None:
        context.talk.say(said.SWITCHED.format(branch))
    else:
        context.talk.say(said.IN_WORKTREE.format(branch, context.options.worktree))
    context.talk.result(
        {
            "number": change.number,
            "patchset": found.patchset,
            "commit": commit_id(context.runner, head(branch)),
            "change_id": change.change_id,
            "subject": change.subject,
            "branch": branch,
            "target": change.branch,
            "worktree": context.options.worktree,
            "chain": list(chain.numbers),
        }
    )


def _refuse_other_upstream(context: Context, branch: str, target: str, exists: str | None) -> None:
    follows = upstream(context.settings, branch) if exists else None
    if follows is not None and follows != (context.remote, target):
        raise said.other_upstream(branch, "/".join(follows), f"{context.remote}/{target}")


def _refuse_other_work_tree(context: Context, branch: str) -> None:
    """A branch that is checked out elsewhere is not moved from here. git before 2.44 would do so."""
    place = context.runner.query("for-each-ref", "--format=%(worktreepath)", head(branch)).text
    wanted_here = context.options.worktree is None and Path(place) == context.places.top
    if place and not wanted_here:
        raise said.checked_out_elsewhere(branch, place, 65)


def _steps(context: Context, branch: str, found: Found, exists: str | None) -> list[Step]:
    steps: list[Step] = [fetch_step(context, found)]
    if exists is not None:
        steps.append(Say(said.reusing(branch, exists)))
    folder = context.options.worktree
    if folder is not None:
        flag = "-b" if exists is None else "-B"
        tree = ("worktree", "add", "--no-track", flag, branch, "--", folder, "FETCH_HEAD")
        return [*steps, Git(tree, lambda words: said.not_checked_out(branch, words, 64))]
    if exists is None:
        new = ("checkout", "-b", branch, "--no-track", "FETCH_HEAD")
        return [*steps, Git(new, lambda words: said.not_checked_out(branch, words, 64))]
    if branch_name(context.runner) == branch:
        reset = ("reset", "--keep", "FETCH_HEAD")
        return [*steps, Git(reset, lambda words: said.not_checked_out(branch, words, 66))]
    again = ("checkout", "-B", branch, "--no-track", "FETCH_HEAD")
    return [*steps, Git(again, lambda words: said.not_checked_out(branch, words, 65))]


def _follow(context: Context, branch: str, target: str) -> None:
    """Set the upstream; where the target branch is not remembered yet, fetch the remote first.

    A clone of a single branch, or a bare one, remembers no other branches by itself: git sets no such upstream, but
    pulls and our own --track follow it where it is set.
    """
    words = ("branch", f"--set-upstream-to={context.remote}/{target}", branch)
    try:
        context.runner.run(*words)
    except GitFailed:
        try:
            context.runner.run(*FETCH_ALL, context.remote)
            if context.runner.run(*words, ok=(0, 1, 128)).status:
                fetch_branch(context.runner, context.remote, target)
                context.runner.run("config", f"branch.{branch}.remote", context.remote)
                context.runner.run("config", f"branch.{branch}.merge", head(target))
        except ReviewError as error:
            raise said.no_upstream_set(branch, error.details or error.brief) from error
