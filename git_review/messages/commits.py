"""The sentences about commits that do not go up as they are; prints nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from git_review.errors import ReviewError
from git_review.git.runner import without_password
from git_review.messages import clean, listed

MELTS = "to be melted into another commit"
MERGED = "came with a merge"
ELSEWHERE = "on {}, which is not this server's"

_SHOWN_LINES = 5


def asking_for_branches(place: str) -> str:
    """What -v tells before the server is asked."""
    return f"Asking {clean(without_password(place))} for its branches: some of the commits may be on one of them"


def branches_unknown(place: str, reason: str) -> str:
    """What -v tells when the server gave no answer."""
    return f"Left out: looking into the branches of {clean(without_password(place))} ({clean(reason)})"


def misnamed(commits: Sequence[tuple[str, str, Sequence[tuple[int, str]]]], *, several: bool) -> ReviewError:
    """Change-Ids that the server would not read.

    :param commits: id, subject, and the lines with their numbers. :param several: it is that there are too many.
    """
    lines = []
    for sha, subject, found in commits:
        lines.append(listed([(sha, subject, "")]))
        lines += [f"    line {number} of its message: {clean(text)}" for number, text in found[:_SHOWN_LINES]]
    brief = (
        "a Change-Id stands where, or is written as, the server does not read it, and would not know the change by it"
    )
    return ReviewError(
        "a commit has several Change-Ids, and the server takes only one" if several else brief,
        details="\n".join(lines),
        hint=(
            "git commit --amend (or git rebase -i) and make it one line, `Change-Id: I...`, in the last paragraph;"
            " if it is another change's, git review -i gives HEAD one of its own"
        ),
    )


def not_own(
    place: tuple[str, str], commits: Sequence[tuple[str, str, str]], whys: Collection[str], *, lacking: bool
) -> ReviewError:
    """Commits that are not the person's to make anew, or to make changes of.

    :param place: remote and branch. :param commits: id, subject, and what there is to say of each.
    :param whys: what there is to say of all. :param lacking: some have no Change-Id.
    """
    remote, name = place[0], "/".join(place)
    if lacking:
        brief = "the server takes no commit without a Change-Id, and these are not to be made anew to get one"
    else:
        brief = "these commits are not on any branch of the server, and not yours to make changes of"
    hints = []
    if MELTS in whys:
        hints.append(f"git rebase -i --autosquash {name} melts it into the commit that it is for")
    if MERGED in whys:
        hints.append("give it a Change-Id on the branch that was merged, and merge again")
    if ELSEWHERE in whys and lacking:
        hints.append(f"git rebase -x 'git commit --amend --no-edit' {name} makes your own line anew")
    if ELSEWHERE in whys or MERGED in whys:
        hints.append(f"what others made has to be on a branch of {remote} before a merge of it goes up for review")
    if not lacking:
        hints.append("--force makes changes of them all the same")
    return ReviewError(f"{brief}; nothing was uploaded", details=listed(commits), hint="; ".join(hints))


def amended_in_vain(hook: object) -> ReviewError:
    """The hook did not do what it is for."""
    return ReviewError(
        f"HEAD was amended, and has no Change-Id all the same: the hook {hook} gave it none",
        hint="git review -i gives HEAD a Change-Id without the hook",
    )
