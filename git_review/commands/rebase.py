"""-F and -K: the person's own line of commits is rebased on the target branch; what it has merged stays as it is.

``git rebase --rebase-merges`` makes anew all that the target branch has not, other branches of the server included
[seen with git 2.39]. Where HEAD's line has merges, or begins on another branch, git is told what to do, commit by
commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_review import messages
from git_review.commands import own
from git_review.commands.context import Context
from git_review.git import repo
from git_review.git.repo import AS_STORED, Commit
from git_review.git.reword import first_parents, made_anew
from git_review.git.runner import Runner
from git_review.messages import commits as said
from git_review.plan import Git

NO_EDITOR = {"GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":"}
_DICTATED = 'printf "%s" "$GIT_REVIEW_TODO" >'


def rebase_step(context: Context, commits: Sequence[Commit], target: str | None) -> Git:
    """-F: the person's branch is rebased; a failure is undone.

    :param commits: those that would go up. :raises ReviewError: one that was merged stands on one of HEAD's own line.
    """
    place = (context.remote, context.branch)
    boundary = _boundary(context, commits, target)
    return Git(
        _words(*place, told=boundary is not None),
        failure=lambda words: messages.rebase_failed(place, words),
        conflict=lambda words: messages.rebase_failed(place, words, conflict=True),
        undo=("rebase", "--abort"),
        environment=NO_EDITOR,
        prepare=None if boundary is None else lambda runner: _dictated(runner, boundary),
    )


def begin_rebase(context: Context, target: str) -> None:
    """-K: a rebase that is left in progress where it stops."""
    found = own.survey(context, target, repo.outgoing(context.runner, context.remote, target))
    boundary = _boundary(context, found.commits, target)
    more = {} if boundary is None else _dictated(context.runner, boundary)
    words = _words(context.remote, context.branch, told=boundary is not None)
    context.runner.run(*words, environment={**NO_EDITOR, **more}, ok=range(256))


def _words(remote: str, branch: str, *, told: bool) -> tuple[str, ...]:
    """The rebase of the person's own branch: this branch only, and each commit as it is.

    :param told: commit by commit, so that git itself does not look for those that the target branch has.
    """
    neutral = ("-c", "rebase.updateRefs=false", "-c", "rebase.autoSquash=false", "-c", "rebase.autoStash=false")
    ours = ("-c", "rebase.missingCommitsCheck=ignore") if told else ()
    drop = ("--empty=drop",) if told else ()
    return (*neutral, *ours, "rebase", "--rebase-merges", *drop, "-i", f"remotes/{remote}/{branch}")


def _boundary(context: Context, commits: Sequence[Commit], target: str | None) -> tuple[str, ...] | None:
    """What HEAD's own line stands on and has merged; None where all that git itself would rebase is that line."""
    from git_review.git.objects import is_ancestor

    line = first_parents(commits)
    outside = [parent for commit in commits if commit.id in line for parent in commit.parents if parent not in line]
    oldest = next((commit for commit in reversed(commits) if commit.id in line), None)
    if oldest is None or target is None:
        return None
    merged = len(outside) > len(oldest.parents[:1])
    if not merged and all(is_ancestor(context.runner, base, target) for base in oldest.parents[:1]):
        return None
    anew = made_anew(commits, line)
    for commit in commits:
        if commit.id in anew - line:
            raise said.not_rebased((context.remote, context.branch), commit.id, commit.subject)
    return (*dict.fromkeys(outside), *(commit.id for commit in commits if commit.id not in line))


def _dictated(runner: Runner, boundary: Sequence[str]) -> Mapping[str, str]:
    """The environment in which ``git rebase -i`` is given its list: HEAD's own line as it is by now, oldest first."""
    shape = ("--first-parent", "--reverse", "--topo-order", "--no-show-signature", "--format=%H %P")
    asked = "".join(f"^{sha}\n" for sha in boundary)
    rows = runner.query("log", *shape, "HEAD", "--stdin", "--", stdin=asked, environment=AS_STORED).lines
    return {"GIT_SEQUENCE_EDITOR": _DICTATED, "GIT_REVIEW_TODO": "".join(map(_order, rows))}


def _order(row: str) -> str:
    commit, _, *merged = row.split(" ")
    return f"merge -C {commit} {' '.join(merged)}\n" if merged else f"pick {commit}\n"
