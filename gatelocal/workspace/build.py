"""Work trees out of bare caches, self-contained and with nobody's configuration; a person's own tree is never used."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from gatelocal.errors import InfrastructureError, InputError, as_machinery
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace.manifest import ROOT, Tree
from git_review.git import objects
from git_review.git.runner import Runner

NOWHERE = "file:///dev/null"
"""The origin of every tree (Zuul's choice): a job must not fetch what is not part of the tested state."""


class Stored(Protocol):
    """A bare repository that holds all commits of a project."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep it from being repacked meanwhile."""


def build(trees: Sequence[Tree], stored: Mapping[str, Stored], root: Path, say: Say) -> Mapping[str, Path]:
    """Make all work trees below `root` and return each project's.

    Objects are hard links to the cache's where the file system allows it, so that a tree costs little more than its
    checked-out files. Tags stay; there are no reflogs, no hooks and no configuration beyond git's own.

    :param stored: each project's bare repository.
    :param root: a folder without ``src``; made when it is not there. What was made is removed again on failure.
    :raises InputError: there is a ``src`` already. :raises InfrastructureError: no disk, or a broken cache.
    """
    source = root / ROOT
    if source.exists():
        raise InputError(f"{source} is there already", hint="each run needs a folder of its own")
    made: dict[str, Path] = {}
    try:
        source.mkdir(mode=0o700, parents=True)
        for tree in trees:
            say(f"writing the tree of {plain(tree.project)}, branch {plain(tree.branch)}")
            made[tree.project] = root / tree.path
            _write(tree, stored[tree.project], root / tree.path)
    except OSError as error:
        shutil.rmtree(source, ignore_errors=True)
        raise InfrastructureError("cannot write the source trees", details=str(error)) from error
    except BaseException:
        shutil.rmtree(source, ignore_errors=True)
        raise
    return made


def _write(tree: Tree, stored: Stored, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with as_machinery(f"writing the tree of {plain(tree.project)}"):
        with stored.locked():
            git = objects.alone(path.parent)
            git.run("clone", "--quiet", "--no-checkout", "--template=", "--", str(stored.path), path.name)
        git = objects.alone(path)
        _point(git, tree)
        git.run("config", "remote.origin.url", NOWHERE)
        git.run("symbolic-ref", "HEAD", f"refs/heads/{tree.branch}")
        git.run("reset", "--quiet", "--hard")


def _point(git: Runner, tree: Tree) -> None:
    """Make the branches exactly those of the manifest, whatever the cache has learnt since."""
    wanted = {f"refs/heads/{name}": sha for name, sha in tree.heads.items()}
    wanted |= {f"refs/remotes/origin/{name}": sha for name, sha in tree.origin.items()}
    there = objects.references(git, "refs/heads", "refs/remotes")
    gone = [name for name in there if name not in wanted]
    objects.update_references(git, {}, gone)
    objects.update_references(git, wanted)
