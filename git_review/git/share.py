"""Objects of one repository for another one on this machine, without a copy where the file system allows it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_SKIPPED = ("tmp_", ".tmp", ".lock", ".keep", ".promisor", "incoming-")


def link(source: Path, target: Path) -> list[Path]:
    """Share all object files that the target does not have, as hard links, or as copies where there can be none.

    Git never writes into such a file again, so that either repository may be repacked, or vanish.

    :param source: one repository's folder of objects; `target`: the other one's.
    :returns: the files that are new in the target.
    """
    made = []
    for folder in sorted(source.iterdir()):
        if not folder.is_dir() or (folder.name != "pack" and len(folder.name) != 2):
            continue
        there = target / folder.name
        there.mkdir(exist_ok=True)
        have = {name.name for name in there.iterdir()}
        # An index names a pack that must be there already.
        for file in sorted(folder.iterdir(), key=lambda one: one.suffix != ".pack"):
            if file.name not in have and not any(part in file.name for part in _SKIPPED):
                _share(file, there / file.name)
                made.append(there / file.name)
    return made


def _share(file: Path, there: Path) -> None:
    try:
        os.link(file, there)
    except FileExistsError:
        return
    except OSError:
        shutil.copy2(file, there)
