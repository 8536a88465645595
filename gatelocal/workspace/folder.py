"""The folder that a workspace goes into: a new one, an empty one, or an earlier workspace; it only looks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePath

from gatelocal.errors import InputError
from gatelocal.model.text import plain

MARK = "gatelocal.json"
"""The file in a tree's ``.git`` that says what was made there."""

_MOST = 5000  # folders that are looked at
_SHOWN = 5


def check(root: Path) -> None:
    """Make sure that source trees may be put into a folder.

    :raises InputError: other things are in it, and no tree that was made here for this very folder.
    """
    try:
        found = sorted(each.name for each in root.iterdir() if each.name != "lost+found")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise InputError(f"{plain(str(root))} cannot be read: {error.strerror}", hint="choose another folder") from None
    if not found or any(_is_ours(folder, root) for folder in islice(_folders(root), _MOST)):
        return
    shown = [*found[:_SHOWN], f"... and {len(found) - _SHOWN} more"] if len(found) > _SHOWN + 1 else found
    raise InputError(
        f"{plain(str(root))} is not empty, and no workspace of gatelocal",
        details="\n".join(map(plain, shown)),
        hint=f"name a folder that is not there yet, such as {plain(str(root / 'workspace'))}",
    )


def _is_ours(folder: Path, root: Path) -> bool:
    """Whether it is a tree of a workspace in that root, not of one further down."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        data = json.loads((folder / ".git" / MARK).read_text())
        place, project = folder.relative_to(root), PurePath(data["project"])
        if "path" in data:  # older ones have none
            return place == PurePath(data["path"])
        return place in (project, PurePath(project.name)) or place.parts[:1] == ("src",)
    return False


def _folders(root: Path) -> Iterator[Path]:
    """The root and what is below it, the nearest first; nothing below a repository but the root itself."""
    waiting = [root]
    for folder in waiting:
        yield folder
        with suppress(OSError):
            below = {each.name for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)}
            if folder == root or ".git" not in below:
                waiting += (folder / name for name in sorted(below - {".git"}) if len(waiting) < _MOST)
