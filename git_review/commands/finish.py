"""`git review -f`: after a good push, back to the target branch, and the local branch is removed."""

from __future__ import annotations

from git_review import messages
from git_review.commands.context import Context
from git_review.git.repo import branch_name
from git_review.plan import Git, Step


def finish_steps(context: Context) -> tuple[Step, ...]:
    """The steps after the push. :raises ReviewError: no branch is checked out (68), or it is the target itself (73)."""
    old = branch_name(context.runner)
    if old is None or old == context.branch:
        raise messages.nothing_to_finish(68 if old is None else 73)
    return (
        Git(
            ("checkout", context.branch),
            lambda words: messages.not_finished(old, words, 72),
            last=messages.SWITCHED_BACK.format(context.branch),
        ),
        Git(
            ("branch", "-D", old),
            lambda words: messages.not_finished(old, words, 73),
            last=messages.BRANCH_DELETED.format(old),
        ),
    )
