"""All work trees of a job out of bare caches, self-contained; a person's own tree is never used."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatelocal.errors import InputError, not_written
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace.manifest import ROOT, Tree
from gatelocal.workspace.tree import Stored, left_empty, write


def build(trees: Sequence[Tree], stored: Mapping[str, Stored], root: Path, say: Say) -> Mapping[str, Path]:
    """Make all work trees below `root` and return each project's.

    Tags stay; there are no reflogs, no hooks and no configuration beyond git's own.

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
            say(f"writing the tree of {plain(tree.project)}, {plain(tree.checkout)}")
            made[tree.project] = root / tree.path
            write(tree, stored[tree.project], root / tree.path)
            if note := left_empty(tree.project, root / tree.path):
                say(note)
    except OSError as error:
        failure = not_written("cannot write the source trees", error, root)
        shutil.rmtree(source, ignore_errors=True)
        raise failure from error
    except BaseException:
        shutil.rmtree(source, ignore_errors=True)
        raise
    return made
