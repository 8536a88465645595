"""The sentences about changes on the server: asking, downloading, comparing, listing; and the codes of refusals."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from git_review.errors import ReviewError
from git_review.git.runner import without_password
from git_review.messages import clean

RETOLD = "No new changes. Set on {}: {}"
PICKED = "Applied change {},{} to the work tree and the index, and committed nothing: {}"
NO_PENDING = "No pending reviews"
DOWNLOADING = "Downloading {} from gerrit"
SWITCHED = 'Switched to branch "{}"'
IN_WORKTREE = "Branch {} is checked out in {}"
COMPARED_AS_THEY_ARE = "Skipping rebase because of conflicts: both patchsets are compared as they are."
NOT_REBASED = "This git is older than 2.38 and cannot rebase in memory: both patchsets are compared as they are."
EMPTY_STACK = "No commit of HEAD is waiting: all are on the remote already."
MORE = "There are more: --start {}"
FOUND = "Found {} items for review"


def asking(url: str, query: str) -> str:
    """What -v tells of a question by HTTP, for which no program runs."""
    return f"Asking: {without_password(url)} for {query}"


def chain(numbers: Sequence[int], outdated: Collection[int] = ()) -> str:
    """A downloaded chain, the newest change first. :param outdated: those with newer patchsets than the chain has."""
    told = (f"{number} (an older patchset of it)" if number in outdated else str(number) for number in numbers)
    return "The chain: " + " on ".join(told)


_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def colored(text: str) -> str:
    """A git command's words, clean but for git's own colors."""
    kept = _COLOR.findall(text)
    pieces = [clean(piece) for piece in _COLOR.split(text)]
    return "".join(piece + color for piece, color in zip(pieces, [*kept, ""], strict=True)).rstrip("\n")


def reusing(branch: str, commit: str) -> str:
    """An existing branch is moved."""
    return f"Branch {branch} already exists - reusing; it was at {commit[:10]}"


def no_gerrit(remote: str) -> ReviewError:
    """A remote that nobody can ask."""
    return ReviewError(
        f"the remote {remote} leads to no Gerrit that could be asked",
        hint="only ssh, http and https remotes can be asked",
    )


def query_failed(error: ReviewError, code: int) -> ReviewError:
    """The server could not be asked; its own words stay."""
    return ReviewError(error.brief, details=error.details, hint=error.hint, exit_code=code)


def server_refused(words: str, code: int) -> ReviewError:
    """ssh or the server said no."""
    return ReviewError("the server did not answer the query", details=clean(words), exit_code=code)


def strange_answer(words: str, code: int) -> ReviewError:
    """Not JSON, or not a query's answer."""
    return ReviewError("the server's answer makes no sense", details=clean(words[:400]), exit_code=code)


def no_such_change(name: str) -> ReviewError:
    """Nothing found."""
    return ReviewError(f"there is no change {clean(name)}, or you may not see it", exit_code=35)


def no_such_patchset(name: str, patchset: int) -> ReviewError:
    """The change has no such patchset."""
    return ReviewError(f"change {clean(name)} has no patchset {patchset}", exit_code=38)


def no_change_named(name: str) -> ReviewError:
    """Neither a number nor a Change-Id nor a URL."""
    return ReviewError(
        f"{clean(name)!r} names no change",
        hint="give a number (1234), number and patchset (1234,2), a Change-Id, a commit or the change's URL; with -d"
        " also topic:NAME or the topic's URL",
        exit_code=35,
    )


def other_server(url: str, remote: str, host: str) -> ReviewError:
    """The URL is not of the server that the remote leads to."""
    return ReviewError(
        f"{clean(url)} is not the server of the remote {remote}, which is {clean(host)}",
        hint="-r names another remote; or download it in a clone from that server",
        exit_code=35,
    )


def other_project(name: str, projects: Sequence[str], wanted: str | None, ours: str) -> ReviewError:
    """The change is not of this repository's project, or not of the one that its URL names."""
    theirs = clean(", ".join(projects))
    if wanted is not None and wanted not in projects:
        return ReviewError(f"change {clean(name)} belongs to {theirs}, not to {clean(wanted)}", exit_code=35)
    return ReviewError(
        f"change {clean(name)} belongs to {theirs}, and this repository to {clean(ours)}",
        hint="-r names another remote; or do this in a clone of that project",
        exit_code=35,
    )


def cannot_fetch_patchset(ref: str, details: str) -> ReviewError:
    """The patchset did not come."""
    return ReviewError(f"{clean(ref)} cannot be fetched", details=details, exit_code=37)


def other_upstream(branch: str, tracks: str, wanted: str) -> ReviewError:
    """A local branch of that name follows another one."""
    return ReviewError(
        f"Branch {branch} incorrectly tracking {clean(tracks)} instead of {clean(wanted)}",
        hint=f"git branch -m {branch} OTHER-NAME, then try again",
        exit_code=75,
    )


def not_checked_out(branch: str, details: str, code: int) -> ReviewError:
    """Local edits are in the way, most likely; git's words tell."""
    edits = any(text in details for text in ("overwritten by", "not uptodate", "resolve your current index"))
    return ReviewError(
        f"{branch} cannot be checked out",
        details=details,
        hint="commit or stash your local edits; they were not touched" if edits else "git's words say why",
        exit_code=code,
    )


def checked_out_elsewhere(branch: str, place: str, code: int) -> ReviewError:
    """Another work tree has the branch."""
    return ReviewError(
        f"{branch} is checked out in another place already: {clean(place)}",
        hint="run this command there, or check out something else there; git worktree prune forgets deleted folders",
        exit_code=code,
    )


def no_upstream_set(branch: str, details: str) -> ReviewError:
    """The download is there, its upstream is not."""
    return ReviewError(f"the upstream of {branch} cannot be set", details=details, exit_code=67)


def pick_failed(ref: str, details: str) -> ReviewError:
    """A conflict, most likely."""
    return ReviewError(
        f"{clean(ref)} cannot be cherry-picked",
        details=details,
        hint="solve the conflict, then git cherry-pick --continue; or git cherry-pick --abort",
        exit_code=74,
    )


def not_two_patchsets(name: str) -> ReviewError:
    """-m needs two."""
    return ReviewError(
        f"Invalid patchsets for comparison specified: {clean(name)!r}",
        hint="CHANGE,1-3 compares patchset 1 with 3; CHANGE,1 compares it with the newest",
        exit_code=39,
    )


def chain_forks(number: int, links: object) -> ReviewError:
    """Several changes are made on one."""
    return ReviewError(
        f"the chain forks at change {number}", details=f"made on it: {links}", hint="name one of them with -d"
    )


def several_tips(topic: str, numbers: object) -> ReviewError:
    """A topic's changes are no single chain."""
    return ReviewError(
        f"the changes of topic {clean(topic)} are no single chain",
        details=f"those on which no other is made: {numbers}",
        hint="name one of them with -d",
    )


def no_open_change_in(topic: str) -> ReviewError:
    """Nothing found by topic."""
    return ReviewError(f"no open change of this project and branch has the topic {clean(topic)}", exit_code=35)


def not_retold(words: str) -> ReviewError:
    """The server has the commits, and refused what it was told of them."""
    return ReviewError("No new changes, and the server refused the options", details=clean(words.strip()))


def bad_query(text: str) -> ReviewError:
    """Control characters, or nothing."""
    return ReviewError(f"{clean(text)!r} is no query", exit_code=2)


def hook_not_fetched(details: str) -> ReviewError:
    """The server does not give its hook."""
    return ReviewError(
        "the server's Change-Id hook cannot be fetched",
        details=details,
        hint="without --remote-hook, the one that comes with git review is installed",
        exit_code=2,
    )
