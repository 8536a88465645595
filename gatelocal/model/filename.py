"""Names of jobs as names of folders: readable, and two jobs never share one; nothing is made here."""

from __future__ import annotations

import hashlib
import re

_KEPT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
_LONGEST = 60
# Names that a run's folder has for its own files (recipes, replayed workspaces), and those that no file can have on the
# machine of somebody who is sent the folder.
_RESERVED = re.compile(
    r"(recipe\.yaml|local-commits\.bundle|workspace|(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|.*\.)", re.IGNORECASE
)


def folder_of(name: str) -> str:
    """The folder of the job of that name: its own name where that will do, else one with a digest of it behind a ``~``.

    Names that are kept have no ``~``, so that none of them is another one's.
    """
    if _KEPT.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name[:_LONGEST]).lstrip("-") or "job"
    return f"{readable}~{digest}"
