"""The objects of a person's own clone for a cache that is new: the server is asked only for what the clone lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git_review.git import objects, share
from git_review.git.errors import GitError
from git_review.git.runner import Runner

_DEPTH = 5  # of alternates of alternates, as git itself goes


def borrow(clone: Path, cache: Path) -> tuple[str, ...]:
    """Share a clone's objects, which is only read, and tell the commits that are here with all their history.

    They are links, so that the clone may be repacked or removed. Nothing is taken of a clone that is shallow or
    partial, or in which a branch is not complete.

    :param clone: anywhere in it. :param cache: a bare repository without any objects, under its lock.
    """
    git = objects.alone(clone)
    try:
        stores = _stores(git)
        tips = _tips(git)
    except (GitError, OSError):
        return ()
    if not stores or not tips:
        return ()
    made: list[Path] = []
    try:
        for store in stores:
            made += share.link(store, cache / "objects")
        _check(objects.alone(cache), tips)
    except (GitError, OSError):
        for file in made:
            file.unlink(missing_ok=True)
        return ()
    return tuple(dict.fromkeys(tips.values()))


def _stores(git: Runner) -> list[Path]:
    """The clone's folders of objects, with those that it borrows from itself; none when it does not have everything."""
    asked = ("--path-format=absolute", "--git-path", "objects", "--git-path", "shallow", "--show-object-format")
    place, shallow, form = git.query("rev-parse", *asked).lines
    if Path(shallow).exists() or form != "sha1":
        return []
    found: list[Path] = []
    waiting = [(Path(place), 0)]
    while waiting:
        folder, depth = waiting.pop()
        if folder in found or depth > _DEPTH:
            continue
        if any((folder / "pack").glob("*.promisor")):
            return []
        found.append(folder)
        alternates = folder / "info" / "alternates"
        if alternates.exists():
            waiting += [(folder / line, depth + 1) for line in alternates.read_text().splitlines() if line]
    return found


def _tips(git: Runner) -> Mapping[str, str]:
    return objects.references(git, "refs/heads", "refs/remotes", "refs/tags")


def _check(git: Runner, tips: Mapping[str, str]) -> None:
    """That all commits are here, and all files of the branches. :raises GitError: something is missing."""
    branches = {sha for name, sha in tips.items() if not name.startswith("refs/tags/")}
    git.query("rev-list", "--quiet", "--stdin", stdin="".join(f"{sha}\n" for sha in tips.values()))
    git.query("rev-list", "--quiet", "--objects", "--no-walk", "--stdin", stdin="".join(f"{sha}\n" for sha in branches))
