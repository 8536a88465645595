"""HEAD's commits written anew with other messages: trees, index and authors stay, and no commit hook runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from git_review.git.errors import GitError
from git_review.git.repo import AS_STORED, Commit
from git_review.git.runner import Runner
from git_review.git.trailers import with_change_id
from git_review.records import dataclass


@dataclass(frozen=True, slots=True)
class Reworded:
    """What came of it. :ivar head: HEAD's new commit id. :ivar unsigned: whether signatures were lost on the way.

    :ivar made: each commit that was made anew, with its new id.
    """

    head: str
    unsigned: bool
    made: Mapping[str, str]


def first_parents(commits: Sequence[Commit]) -> frozenset[str]:
    """The ids of those that are HEAD's own line, and did not come with a merge. :param commits: HEAD first."""
    parents = {commit.id: commit.parents for commit in commits}
    line: list[str] = []
    at = commits[0].id if commits else ""
    while at in parents:
        line.append(at)
        at = next(iter(parents[at]), "")
    return frozenset(line)


def made_anew(commits: Sequence[Commit], which: Collection[str]) -> frozenset[str]:
    """The ids of `which` and of all above them, which get other parents.

    :param commits: parents after children.
    """
    anew: set[str] = set()
    for commit in reversed(commits):
        if commit.id in which or not anew.isdisjoint(commit.parents):
            anew.add(commit.id)
    return frozenset(anew)


def give_change_ids(
    runner: Runner, commits: Sequence[Commit], which: Collection[str], review_url: str = ""
) -> Reworded:
    """Write commits anew, each of `which` with a new Change-Id, and move HEAD (and its branch) to the new ones.

    Whatever is not made anew stays an ancestor of HEAD.

    :param commits: HEAD first, parents after children; all those of HEAD down to the oldest of `which`.
    :param review_url: the Change-Id is written as a ``Link:`` to that server.
    :raises git_review.git.errors.GitFailed: a commit is not there, or HEAD has moved meanwhile.
    :raises GitError: what would have to be made anew came with a merge.
    """
    anew = made_anew(commits, which)
    if not anew <= first_parents(commits):
        raise GitError("commits that came with a merge cannot be made anew")
    import hashlib

    raw = _read(runner, [commit.id for commit in commits])
    new: dict[str, str] = {}
    unsigned = False
    for commit in reversed(commits):
        if commit.id not in anew:
            continue
        header, _, message = raw[commit.id].partition("\n\n")
        kept, lost = _without_signature(header.split("\n"))
        unsigned = unsigned or lost
        lines = [_parent(line, new) for line in kept]
        if commit.id in which:
            fresh = f"I{hashlib.sha1(_bytes(raw[commit.id]), usedforsecurity=False).hexdigest()}"
            message = with_change_id(message, fresh, review_url)
        text = "\n".join(lines) + "\n\n" + message
        new[commit.id] = runner.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).text
    old = commits[0].id
    head = new.get(old, old)
    runner.run("update-ref", "-m", "git review: Change-Ids", "HEAD", head, old)
    return Reworded(head, unsigned, new)


def copy_notes(runner: Runner, made: Mapping[str, str]) -> None:
    """Give the new commits the notes of the old ones, in the refs that ``notes.rewriteRef`` names, as a rebase does."""
    pairs = "".join(f"{old} {new}\n" for old, new in made.items())
    runner.run("notes", "copy", "--for-rewrite=rebase", "--stdin", stdin=pairs)


def _read(runner: Runner, ids: Sequence[str]) -> dict[str, str]:
    """The commits as they are stored."""
    data = _bytes(
        runner.query("cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in ids), environment=AS_STORED).stdout
    )
    found: dict[str, str] = {}
    at = 0
    for sha in ids:
        end = data.index(b"\n", at)
        size = int(data[at:end].split()[2])
        found[sha] = data[end + 1 : end + 1 + size].decode("utf-8", "surrogateescape")
        at = end + 2 + size
    return found


def _without_signature(header: Sequence[str]) -> tuple[list[str], bool]:
    kept: list[str] = []
    inside = lost = False
    for line in header:
        inside = line.startswith("gpgsig") or (inside and line.startswith(" "))
        lost = lost or inside
        if not inside:
            kept.append(line)
    return kept, lost


def _parent(line: str, new: dict[str, str]) -> str:
    key, _, value = line.partition(" ")
    return f"parent {new.get(value, value)}" if key == "parent" else line


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
