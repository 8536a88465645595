"""One work tree out of a bare cache: its objects shared, its refs exactly the manifest's, nobody's configuration."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from gatelocal.errors import as_machinery
from gatelocal.model.text import plain, visible
from gatelocal.workspace.manifest import Tree
from git_review.git import objects, share

_SUBMODULE, _SHOWN = "160000 ", 5
_PACKED = "# pack-refs with: sorted \n"


class Stored(Protocol):
    """A bare repository that holds all commits of a project."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep it from being repacked meanwhile."""


def write(tree: Tree, stored: Stored, path: Path) -> None:
    """Make the work tree in a folder that is empty or not there yet.

    Objects are hard links to the cache's where the file system allows it, so that a tree costs little more than its
    checked-out files and yet stands alone.

    :raises gatelocal.errors.InfrastructureError: no disk, or a broken cache.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with as_machinery(f"writing the tree of {plain(tree.project)}", stored.path, path):
        kind = objects.alone(stored.path).query("rev-parse", "--show-object-format").text
        words = ("--quiet", "--template=", f"--object-format={kind}", "--initial-branch=main")
        objects.alone(path.parent).run("init", *words, "--", path.name)
        _configure(tree, path)
        fill(tree, stored, path)


def fill(tree: Tree, stored: Stored, path: Path, kept: dict[str, str] | None = None) -> None:
    """Give a repository the objects and refs of the manifest and check its branch out, over whatever was there.

    :param kept: further refs that are to stay.
    """
    git = objects.alone(path)
    with stored.locked():
        share.link(stored.path / "objects", path / ".git" / "objects")
    _set_refs(path / ".git", {**(kept or {}), **tree.refs})
    if tree.detached:
        commit = git.query("rev-parse", f"{tree.checkout}^{{commit}}").text
        (path / ".git" / "HEAD").write_text(f"{commit}\n")
    else:
        git.run("symbolic-ref", "HEAD", tree.checkout)
    git.run("reset", "--quiet", "--hard")


def left_empty(project: str, path: Path) -> str:
    """That the work tree at `path` has submodules, in a sentence; empty: it has none.

    Their folders are empty, as Zuul leaves them, which does nothing with submodules: its merger fetches with
    ``--no-recurse-submodules``, and neither it nor the role that prepares a node's workspace checks one out.
    """
    if not os.path.lexists(path / ".gitmodules"):
        return ""
    with as_machinery(f"looking for submodules of {plain(project)}", into=path):
        listed = objects.alone(path).query("ls-files", "--stage", "-z").text
    found = [visible(one.partition("\t")[2]) for one in listed.split("\0") if one.startswith(_SUBMODULE)]
    if not found:
        return ""
    names = ", ".join([*found[:_SHOWN], *(["..."] if len(found) > _SHOWN else [])])
    return f"the submodules of {visible(project)} ({names}) are empty folders, as with Zuul, unless the job fills them"


def _configure(tree: Tree, path: Path) -> None:
    """What a clone would have, written down at once."""
    fetch = "+refs/heads/*:refs/remotes/origin/*"
    text = f'[remote "origin"]\n\turl = {_quoted(tree.url)}\n\tfetch = {fetch}\n'
    if not tree.detached:
        merge = _quoted(f"refs/heads/{tree.branch}")
        text += f"[branch {_quoted(tree.branch)}]\n\tremote = origin\n\tmerge = {merge}\n"
    with (path / ".git" / "config").open("a", encoding="utf-8", errors="surrogateescape") as config:
        config.write(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _set_refs(place: Path, refs: dict[str, str]) -> None:
    """Make the repository's refs exactly these, in one file, however many they are.

    The file's form is documented with ``git pack-refs``; a file for each ref would cost a block of disk for each.
    """
    for folder in ("heads", "remotes", "tags"):
        shutil.rmtree(place / "refs" / folder, ignore_errors=True)
    (place / "refs" / "heads").mkdir(parents=True)
    names = sorted(refs, key=lambda name: name.encode("utf-8", "surrogateescape"))
    text = "".join((_PACKED, *(f"{refs[name]} {name}\n" for name in names)))
    fresh = place / "packed-refs.new"
    fresh.write_bytes(text.encode("utf-8", "surrogateescape"))
    fresh.replace(place / "packed-refs")
