"""Whether a commit was made of another one, as far as the reflogs tell; it reads them, and changes and fetches nothing.

That a commit is in the repository proves nothing: it may have been fetched to look at it. What proves it is that the
current branch once stood on it, or on a commit above it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from git_review.git.errors import GitFailed
from git_review.git.repo import logged, present
from git_review.git.runner import Runner
from git_review.git.trailers import change_id
from git_review.records import dataclass

_STATES = 500
"""So many former states of a branch are looked at; who goes back further is asked to use -d or --force."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A commit that is to take the place of another one.

    :ivar name: the Change-Id of both. :ivar newest: the other one: the newest patchset's commit, a full id.
    :ivar older: the commits of the patchsets before that.
    """

    name: str
    newest: str
    older: frozenset[str]


def grounded(runner: Runner, remote: str, claims: Sequence[Claim]) -> frozenset[str]:
    """The names of the claims that are good: nothing that their author has not had in hand would be buried.

    The current branch (or detached HEAD) stood on the newest commit or above it; or it shows no origin of the commit,
    and some reflog leads to the newest commit; or a version of the commit has its patch and its message. Where no
    reflog is kept, that the newest commit is here has to do.

    :param remote: what its remembered branches have is of no interest.
    """
    if not claims:
        return frozenset()
    states = _states(runner)
    good = {claim.name for claim in claims if claim.newest in states}
    left = [claim for claim in claims if claim.name not in good]
    if not left:
        return frozenset(good)
    if not states and runner.query("reflog", "exists", "HEAD", ok=(0, 1)).status:
        here = present(runner, [claim.newest for claim in left])
        return frozenset(good | {claim.name for claim in left if here[claim.newest]})
    versions = _versions(runner, remote, states, {claim.name for claim in left})
    good |= {claim.name for claim in left if claim.newest in versions[claim.name]}
    elsewhere = [claim for claim in left if not {claim.newest, *claim.older}.intersection(versions[claim.name])]
    good |= _somewhere(runner, remote, elsewhere)
    return frozenset(good | _alike(runner, [claim for claim in left if claim.name not in good], versions))


def _states(runner: Runner) -> tuple[str, ...]:
    """What the current branch stood on, newest first. A detached HEAD's past ends where it was detached."""
    try:
        shape = ("--no-show-signature", "--format=%H %gs", f"--max-count={_STATES}")
        rows = runner.query("log", "-g", *shape, "@{0}", "--").lines
    except GitFailed:
        return ()
    states = []
    for row in rows:
        sha, _, what = row.partition(" ")
        states.append(sha)
        if what.startswith("checkout:"):
            break
    return tuple(states)


def _versions(
    runner: Runner, remote: str, states: Sequence[str], names: Collection[str]
) -> Mapping[str, tuple[str, ...]]:
    """The commits of each Change-Id in the states, newest first, down to the first state without one."""
    asked = ("--ignore-missing", "--stdin", "--not", f"--remotes={remote}", "--")
    commits = logged(runner, *asked, stdin="".join(f"{sha}\n" for sha in states)) if states else ()
    holding: dict[str, dict[str, str]] = {}
    for commit in reversed(commits):
        held: dict[str, str] = {}
        for parent in commit.parents:
            held |= holding.get(parent, {})
        own = change_id(commit.message)
        if own is not None and own in names:
            held[own] = commit.id
        holding[commit.id] = held
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        row = []
        for state in states:
            version = holding.get(state, {}).get(name)
            if version is None:
                break
            row.append(version)
        found[name] = tuple(dict.fromkeys(row))
    return found


def _somewhere(runner: Runner, remote: str, claims: Sequence[Claim]) -> set[str]:
    """The claims whose newest commit any reflog leads to: of HEAD, of a branch, of another work tree."""
    if not claims:
        return set()
    reachable = set(runner.query("rev-list", "--reflog", "--not", f"--remotes={remote}", "--").lines)
    return {claim.name for claim in claims if claim.newest in reachable}


def _alike(runner: Runner, claims: Sequence[Claim], versions: Mapping[str, Sequence[str]]) -> set[str]:
    """The claims whose newest commit says and does what a version of ours does: it was picked, or rebased, only."""
    here = present(runner, [claim.newest for claim in claims])
    claims = [claim for claim in claims if here[claim.newest]]
    works = _works(runner, {sha for claim in claims for sha in (claim.newest, *versions[claim.name])})
    return {
        claim.name
        for claim in claims
        if claim.newest in works and any(works.get(sha) == works[claim.newest] for sha in versions[claim.name])
    }


def _works(runner: Runner, commits: Iterable[str]) -> dict[str, str]:
    """What each commit says and does, wherever it stands: its message, and its patch without the line numbers."""
    asked = "".join(f"{sha}\n" for sha in commits)
    if not asked:
        return {}
    plain = ("--no-show-signature", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--full-index")
    shape = ("-p", "-m", "--first-parent", "--no-walk=unsorted", "--format=%x01%H%n%B%x02", "--stdin")
    found = {}
    for record in runner.query("log", *plain, *shape, "--", stdin=asked).stdout.split("\x01")[1:]:
        sha, _, rest = record.partition("\n")
        message, _, patch = rest.partition("\x02")
        found[sha] = message.strip() + "\x02" + _anywhere(patch)
    return found


def _anywhere(patch: str) -> str:
    """A patch without what depends on the rest of the files; of binary files the ids are all that there is."""
    lines = patch.strip().split("\n")
    following = [*lines[1:], ""]
    return "\n".join(
        "@@" if line.startswith("@@ ") else line
        for line, after in zip(lines, following, strict=True)
        if not line.startswith("index ") or after.startswith("Binary ")
    )
