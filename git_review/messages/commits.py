"""The sentences about commits that do not go up as they are; prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from git_review.errors import ReviewError
from git_review.git.runner import without_password
from git_review.messages import clean, listed

_REASONS = {
    "melts": "to be melted into another commit",
    "merged": "came with a merge",
    "published": "of your own line",
    "elsewhere": "others' work",
}
_HINTS = {
    "melts": "git rebase -i --autosquash {1} melts it into the commit that it is for",
    "merged": "give each commit a Change-Id on the branch that was merged, and merge again",
    "published": "git rebase -x 'git commit --amend --no-edit' {1} gives your own line Change-Ids",
    "elsewhere": "what others made has to be on a branch of {0} before a merge of it goes up for review",
}
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


def not_own(place: tuple[str, str], commits: Sequence[tuple[str, str, str, str]], *, anew: bool) -> ReviewError:
    """Commits that are not the person's to make anew, or to make changes of.

    :param place: remote and branch. :param commits: id, subject, why (a key of the reasons), and where else it is.
    :param anew: they would have to be made anew, so that all get Change-Ids.
    """
    if {why for _, _, why, _ in commits} == {"melts"}:
        brief = "these commits are to vanish in others, and are to become no changes of their own"
    elif anew:
        brief = "for each commit to have a Change-Id these would have to be made anew, and they are not yours alone"
    else:
        brief = "these commits are not on any branch of the server, and not yours to make changes of"
    rows = [(sha, subject, _REASONS[why] + (f", published as {at}" if at else "")) for sha, subject, why, at in commits]
    hints = [_HINTS[why].format(place[0], "/".join(place)) for why in dict.fromkeys(why for _, _, why, _ in commits)]
    if not anew:
        hints.append("--force makes changes of them all the same")
    return ReviewError(f"{brief}; nothing was uploaded", details=listed(rows), hint="; ".join(hints))


def not_rebased(place: tuple[str, str], sha: str, subject: str) -> ReviewError:
    """What was merged stands on what would be rebased."""
    name = "/".join(place)
    return ReviewError(
        f"Errors running git rebase --rebase-merges -i remotes/{name}",
        details=f"HEAD merges a commit that is made on one of its own line, and would have it twice then:\n"
        f"{listed([(sha, subject, '')])}",
        hint=f"git rebase --rebase-merges {name} makes both anew; nothing was uploaded",
    )


def amended_in_vain(hook: object) -> ReviewError:
    """The hook did not do what it is for."""
    return ReviewError(
        f"HEAD was amended, and has no Change-Id all the same: the hook {hook} gave it none",
        hint="git review -i gives HEAD a Change-Id without the hook",
    )
