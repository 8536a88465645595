"""Work trees for a person: made, or brought up to date when nothing of the person's is in them; else left alone.

What is the person's: edits, new files, commits, branches, another checkout, a merge that is under way, and every
folder that was not made here. One such thing anywhere, and no tree is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gatelocal.errors import InputError, as_machinery, not_written
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace.folder import MARK
from gatelocal.workspace.manifest import Tree
from gatelocal.workspace.tree import Stored, fill, left_empty, write
from git_review.git import objects

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")
_SHOWN = 5


class Found(Enum):
    """What is at a tree's place."""

    NOTHING = "nothing"
    SAME = "the same"
    OLDER = "another state"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was made here the last time. :ivar checkout: full name of the ref that was checked out."""

    project: str
    checkout: str
    refs: Mapping[str, str]


def arrange(trees: Sequence[Tree], stored: Mapping[str, Stored], root: Path, say: Say) -> Mapping[str, Path]:
    """Make or renew all trees below `root` and return each project's. Doing it again changes nothing.

    :raises InputError: something of the person's is in the way; nothing was touched then.
    :raises InfrastructureError: no disk, or a broken cache.
    """
    paths = {tree.project: (root / tree.path).resolve() for tree in trees}
    found = {tree.project: _look(tree, paths[tree.project], _nested(tree, paths)) for tree in trees}
    # A tree may lie in another (a clone map's dot): the outer one has to be there first.
    for tree in sorted(trees, key=lambda one: len(paths[one.project].parts)):
        path = paths[tree.project]
        match found[tree.project]:
            case Found.SAME:
                say(f"{plain(tree.project)} is as it should be in {path}")
                continue
            case Found.NOTHING:
                say(f"writing the tree of {plain(tree.project)}, {plain(tree.branch)}, in {path}")
                _on_disk(write, tree, stored[tree.project], path)
            case Found.OLDER:
                say(f"renewing the tree of {plain(tree.project)}, {plain(tree.branch)}, in {path}")
                _on_disk(_renew, tree, stored[tree.project], path)
        _mark(tree, path)
        if note := left_empty(tree.project, path):
            say(note)
    return paths


def _on_disk(make: Callable[[Tree, Stored, Path], None], tree: Tree, stored: Stored, path: Path) -> None:
    try:
        make(tree, stored, path)
    except OSError as error:
        raise not_written(f"cannot write {path}", error, path) from error


def _renew(tree: Tree, stored: Stored, path: Path) -> None:
    with as_machinery(f"renewing the tree of {plain(tree.project)}", into=path):
        mark = _read_mark(path)
        ours = set(mark.refs) if mark else set()
        kept = {name: sha for name, sha in objects.references(objects.alone(path)).items() if name not in ours}
        fill(tree, stored, path, kept)


def _look(tree: Tree, path: Path, nested: Sequence[str]) -> Found:
    if not path.exists() or (path.is_dir() and all(one.name in nested for one in path.iterdir())):
        return Found.NOTHING
    mark = _read_mark(path)
    if mark is None or mark.project != tree.project:
        raise InputError(
            f"{path} is there already and was not made for {plain(tree.project)}",
            hint="choose another folder, or move it away",
        )
    with as_machinery(f"looking at {path}"):
        theirs = _of_the_person(mark, path, nested)
    if theirs:
        raise InputError(
            f"{path} has something of yours in it: {theirs[0]}",
            details="\n".join(theirs[: _SHOWN + 1]),
            hint="nothing was changed; commit it elsewhere, or take another folder",
        )
    same = (mark.checkout, dict(mark.refs)) == (tree.checkout, tree.refs)
    return Found.SAME if same else Found.OLDER


def _of_the_person(mark: Mark, path: Path, nested: Sequence[str]) -> list[str]:
    git = objects.alone(path)
    place = path / ".git"
    found = [f"{name} (something is under way)" for name in _UNDER_WAY if (place / name).exists()]
    head = git.query("symbolic-ref", "-q", "HEAD", ok=(0, 1)).text
    if head != (mark.checkout if mark.checkout.startswith("refs/heads/") else ""):
        found.append(f"another checkout: {plain(head) or 'no branch'}")
    elif not head and git.query("rev-parse", "HEAD").text != git.query("rev-parse", f"{mark.checkout}^{{}}").text:
        found.append("another checkout")
    heads = objects.references(git, "refs/heads")
    found += [f"commits of yours on {plain(name)}" for name, sha in heads.items() if mark.refs.get(name) != sha]
    excluded = [f":(exclude,literal){name}" for name in nested]
    flags = ("--porcelain", "--untracked-files=all", "--ignore-submodules=none", "-z")
    told = git.query("--no-optional-locks", "status", *flags, "--", ".", *excluded).stdout
    return found + [plain(record) for record in told.split("\0") if record]


def _nested(tree: Tree, paths: Mapping[str, Path]) -> tuple[str, ...]:
    """Where other trees lie in this one: their first folders, and themselves, relative to it."""
    own = paths[tree.project]
    inside = [path.relative_to(own) for path in paths.values() if path != own and path.is_relative_to(own)]
    return tuple(dict.fromkeys(name for path in inside for name in (path.parts[0], str(path))))


def _mark(tree: Tree, path: Path) -> None:
    data = {"project": tree.project, "path": tree.path, "checkout": tree.checkout, "refs": tree.refs}
    (path / ".git" / MARK).write_text(json.dumps(data))


def _read_mark(path: Path) -> Mark | None:
    try:
        data = json.loads((path / ".git" / MARK).read_text())
        return Mark(str(data["project"]), str(data["checkout"]), {str(k): str(v) for k, v in data["refs"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
