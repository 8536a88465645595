"""What a build has left: its logs fetched from the node, and the results among them found; it judges nothing."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from gatelocal.executor.results import STREAMS
from gatelocal.executor.wanted import JUNIT
from gatelocal.model.returned import Artifact, Given, Returned
from gatelocal.ports import Node

OUTPUT = "zuul-output"
"""The folder on a node whose content a site's base job fetches (zuul-jobs' role `fetch-output`)."""
PARTS = ("logs", "artifacts", "docs")
GIVEN = "zuul-artifacts"
"""The folder on a node with the files that other jobs have made, each in a folder of its number."""
_LARGEST = 256 << 20
_MOST = 2000


def prepare(node: Node) -> None:
    """Make the folders on the node that jobs put logs into (zuul-jobs' role `ensure-output-dirs`)."""
    node.run(("mkdir", "-p", *(f"{node.home}/{OUTPUT}/{part}" for part in PARTS)))


def give(nodes: Sequence[Node], given: Given, scratch: Path) -> Given:
    """Bring the files that other jobs have made to the nodes; the same with their addresses there.

    :raises InfrastructureError: a node is gone. :raises OSError: one of the files is.
    """
    folder, artifacts = scratch / GIVEN, list(given.artifacts)
    for number, one in enumerate(artifacts):
        if one.file:
            path = folder / str(number) / Path(one.file).name
            path.parent.mkdir(parents=True)
            _link(Path(one.file), path)
            url = f"file://{quote(f'{nodes[0].home}/{GIVEN}/{number}/{path.name}')}"
            artifacts[number] = Artifact({**one.told, "url": url})
    for node in nodes if folder.exists() else ():
        node.put(folder, f"{nodes[0].home}/{GIVEN}")
    return replace(given, artifacts=tuple(artifacts))


def with_files(found: Returned, logs: Path) -> Returned:
    """With the files that its artifacts are, where their addresses are such of the log root."""
    artifacts = [replace(one, file=_file(str(one.told["url"]), logs)) for one in found.artifacts]
    return replace(found, artifacts=tuple(artifacts))


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


def _file(url: str, logs: Path) -> str:
    """The file of the log root that an address without a server means; empty where it means none."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return ""
    path, root = (logs / unquote(parts.path)).resolve(), logs.resolve()
    return str(path) if path.is_relative_to(root) and path.is_file() else ""


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
