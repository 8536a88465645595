"""Which of the commits that would go up are the person's own: what the server has on no branch, and may be made anew.

A merge brings along commits of others: of the server's other branches, or of another project. The former do not go up;
the latter are not for `git review` to make anew, nor to make changes of. It asks the server only where HEAD's commits
alone do not tell.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from git_review.commands.context import Context
from git_review.commands.known import Known, State
from git_review.errors import ReviewError
from git_review.git import repo
from git_review.git.errors import GitError
from git_review.git.repo import Commit
from git_review.git.reword import first_parents, made_anew
from git_review.git.trailers import Place, naming
from git_review.messages import commits as said
from git_review.records import dataclass

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from git_review.gerrit.model import Change

_MELTING = ("fixup! ", "squash! ", "amend! ")


@dataclass(frozen=True, slots=True)
class Survey:
    """What would go up.

    :ivar commits: newest first. :ivar elsewhere: the ids of those that are on another remote's branch or under a tag.
    :ivar foreign: the ids of those that somebody else has committed.
    :ivar has: what the server was found to have, besides its remembered branches.
    """

    commits: tuple[Commit, ...]
    elsewhere: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    has: tuple[str, ...] = ()


class Why(Enum):
    """Why a commit is not one that `git review` makes anew, or a change of: the key of what is said of it.

    It is to be melted into another one; it came with a merge; it is of HEAD's own line, and published as another branch
    or a tag; it is somebody else's.
    """

    MELTS = "melts"
    MERGED = "merged"
    PUBLISHED = "published"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A commit that stops the upload. :ivar anew: it would have to be made anew; otherwise it would become a change."""

    commit: Commit
    why: Why
    anew: bool


def survey(context: Context, target: str | None, commits: Sequence[Commit], changes: Sequence[Change] = ()) -> Survey:
    """Take out of the commits what the server has on any branch.

    It is asked for its branches where one of the commits may be on one that this repository does not know: one that
    came with a merge, is on another remote's branch or under a tag, or was made by somebody else.

    :param commits: those that no remembered branch has. :param changes: what the server has told of them so far.
    """
    found = Survey(tuple(commits), _elsewhere(context, commits), _foreign(context, commits))
    if not _doubted(found, changes):
        return found
    from git_review.commands import ask

    place = ask.push_url(context) if context.settings.use_pushurl else context.push_place
    context.progress(said.asking_for_branches(place))
    try:
        heads = repo.branches(context.runner, place)
    except GitError as error:
        context.progress(said.branches_unknown(place, error.brief))
        return found
    found = _without(context, target, heads, found)
    missing = [name for name, sha in heads.items() if sha not in found.has]
    if missing and _doubted(found, changes) and _obtained(context, place, missing):
        found = _without(context, target, heads, found)
    return found


def strangers(
    found: Survey, known: Sequence[Known], which: Collection[str], *, melting: bool = False, force: bool = False
) -> list[Stranger]:
    """The commits that stop the upload: the server would refuse them, or make changes of what is somebody else's.

    Made anew are the commits of HEAD's own line that nobody else can have, and none that is to vanish in another one.

    :param which: the ids of those that are to get a Change-Id.
    :param melting: those that are to vanish may get one, too.
    :param force: commits of others that have their Change-Ids may go up.
    """
    line = first_parents(found.commits)
    anew = made_anew(found.commits, which)
    by_id = {entry.commit.id: entry for entry in known}
    stopped = []
    for commit in found.commits:
        sha = commit.id
        if sha in which and melts(commit) and not melting:
            stopped.append(Stranger(commit, Why.MELTS, anew=True))
        elif sha in anew and sha in found.elsewhere:
            stopped.append(Stranger(commit, Why.PUBLISHED if sha in line else Why.ELSEWHERE, anew=True))
        elif sha in anew and sha not in line:
            stopped.append(Stranger(commit, Why.MERGED, anew=True))
        elif not force and _is_others(found, by_id.get(sha), sha, sha in line):
            stopped.append(Stranger(commit, Why.ELSEWHERE, anew=False))
    return stopped


def _is_others(found: Survey, entry: Known | None, sha: str, own_line: bool) -> bool:
    """Whether a commit is somebody else's, and no change yet: two of three tell against it.

    It is published elsewhere, it came with a merge, somebody else has committed it; the last one counts only where the
    server could tell that it knows no change of that commit's.
    """
    if entry is not None and entry.change is not None:
        return False
    foreign = sha in found.foreign and (entry is None or entry.state is not State.UNKNOWN)
    return [sha in found.elsewhere, not own_line, foreign].count(True) > 1


def refusal(context: Context, stopped: Sequence[Stranger]) -> ReviewError:
    """Why the upload stops, with the place of each commit that is published elsewhere."""
    names = repo.names_of(context.runner, context.remote, [one.commit.id for one in stopped])
    rows = [(one.commit.id, one.commit.subject, one.why.value, names.get(one.commit.id, "")) for one in stopped]
    return said.not_own((context.remote, context.branch), rows, anew=any(one.anew for one in stopped))


def lacks_change_id(commit: Commit) -> bool:
    """Whether nothing in its message is, or is meant to be, a Change-Id."""
    return naming(commit.message).place is Place.NOWHERE


def melts(commit: Commit) -> bool:
    """Whether ``git rebase --autosquash`` would melt it into another one."""
    return commit.subject.startswith(_MELTING)


def _elsewhere(context: Context, commits: Sequence[Commit]) -> frozenset[str]:
    """A single commit that has its Change-Id is not looked for."""
    if len(commits) == 1 and not lacks_change_id(commits[0]):
        return frozenset()
    return repo.known_elsewhere(context.runner, [commit.id for commit in commits]) if commits else frozenset()


def _foreign(context: Context, commits: Sequence[Commit]) -> frozenset[str]:
    """Nobody's, where git does not know who the person is."""
    person = context.settings.git.get("user.email", "").lower()
    return frozenset(commit.id for commit in commits if person and commit.committer.lower() != person)


def _doubted(found: Survey, changes: Sequence[Change]) -> bool:
    """Whether one of the commits may be on a branch of the server."""
    uploaded = {patchset.commit for change in changes for patchset in change.patchsets}
    uploaded |= {change.current_commit for change in changes}
    plain = first_parents(found.commits) - found.elsewhere - found.foreign
    return any(commit.id not in plain for commit in found.commits if commit.id not in uploaded)


def _without(context: Context, target: str | None, heads: dict[str, str], found: Survey) -> Survey:
    """The same without the commits of the server's branches, as far as these are here."""
    here = repo.present(context.runner, heads.values())
    has = tuple(sha for sha, there in here.items() if there)
    rest = repo.outgoing(context.runner, context.remote, target, has)
    ids = {commit.id for commit in rest}
    return Survey(rest, found.elsewhere & ids, found.foreign & ids, has)


def _obtained(context: Context, place: str, names: Sequence[str]) -> bool:
    """Whether the server's other branches could be fetched; a shallow repository gets none of them, as it is so."""
    if (context.places.common / "shallow").exists():
        return False
    try:
        repo.obtain(context.runner, place, *names)
    except GitError as error:
        context.progress(said.branches_unknown(place, error.brief))
        return False
    return True
