"""The path of a log in a build's folder → the names and tags that fingerprints know it by; no file is touched."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatelocal.model.result import JOB_OUTPUT
from gatelocal.results.fingerprints.event import Fields

_PACKED = (".gz", ".xz", ".bz2")


def of_file(path: PurePosixPath) -> Fields:
    """``filename`` and ``tags``: elastic-recheck's, whichever of its generations wrote them.

    :param path: within the build's folder.
    """
    bare = path.with_suffix("") if path.suffix in _PACKED else path
    name = bare.name
    tags = (name, "console", "console.html") if name in (JOB_OUTPUT, "console.html") else (name, bare.stem)
    names = ("console.html",) if name == JOB_OUTPUT else (f"logs/{name}",)
    return {"filename": tuple(dict.fromkeys((str(bare), *names))), "tags": tuple(dict.fromkeys(tags))}
