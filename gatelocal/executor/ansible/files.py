"""What a build has left: its logs fetched from the node, and the results among them found; it judges nothing."""

from __future__ import annotations

import contextlib
import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

from gatelocal.executor.results import STREAMS
from gatelocal.executor.wanted import JUNIT
from gatelocal.ports import Node

OUTPUT = "zuul-output"
"""The folder on a node whose content a site's base job fetches (zuul-jobs' role `fetch-output`)."""
PARTS = ("logs", "artifacts", "docs")
_LARGEST = 256 << 20
_MOST = 2000


def prepare(node: Node) -> None:
    """Make the folders on the node that jobs put logs into (zuul-jobs' role `ensure-output-dirs`)."""
    node.run(("mkdir", "-p", *(f"{node.home}/{OUTPUT}/{part}" for part in PARTS)))


def fetch(node: Node, work: Path, name: str = "") -> None:
    """Bring the node's output into the log root, or into a folder of that name there.

    :raises InfrastructureError: it did not come whole.
    """
    if not node.get(f"{node.home}/{OUTPUT}", work):
        return
    fetched, logs = work / OUTPUT, work / "logs" / name
    for part in PARTS:
        if (fetched / part).is_dir() and any((fetched / part).iterdir()):
            into = logs if part == "logs" else logs / part
            with contextlib.suppress(shutil.Error, FileExistsError):
                shutil.copytree(fetched / part, into, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(fetched, ignore_errors=True)


def gather(work: Path, into: Path) -> None:
    """Copy the result streams of the log root to where :mod:`gatelocal.executor.results` looks for them."""
    (into / STREAMS).mkdir(exist_ok=True)
    (into / "junit").mkdir(exist_ok=True)
    found = list(_files(work / "logs", "*.subunit", "*.subunit.gz"))[:_MOST]
    for number, path in enumerate(found):
        how = gzip.open if path.suffix == ".gz" else open
        with contextlib.suppress(OSError, EOFError), how(path, "rb") as stream:
            (into / STREAMS / f"{number}-{path.name.removesuffix('.gz')}").write_bytes(stream.read(_LARGEST))
    for number, path in enumerate(list(_files(work / "logs", *JUNIT))[:_MOST]):
        shutil.copyfile(path, into / "junit" / f"{number}-{path.name}")
    for folder in (into / STREAMS, into / "junit"):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _files(folder: Path, *patterns: str) -> Iterator[Path]:
    found = {path for pattern in patterns for path in folder.rglob(pattern)}
    yield from sorted(path for path in found if path.is_file() and not path.is_symlink())
