"""Snapshots of containers: what one has changed on its disk, as a layer that any number of others go on from.

A clone lies on the snapshot as an overlay, so that it costs no more than a fresh container; its identity is its own.
What was in memory is not kept: services start anew, as after a restart.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import layers, place
from gatelocal.launcher.layers import Layer
from gatelocal.launcher.lifecycle import NodeState

_FACTS = "snapshot.json"
_PREFIX = "snapshot-"
_PATIENCE = 600.0

# In the node's mounts: nothing changes on its disk ($1) while the file that holds it ($2) is copied ($3).
_COPY = """
fsfreeze --freeze "$1"
trap 'fsfreeze --unfreeze "$1"' EXIT
cp --sparse=always --reflink=auto "$2" "$3"
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree under a container. :ivar first: the first of the users on the disk of a container; 0 for an image."""

    path: Path
    is_disk: bool = False
    first: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot.

    :ivar folder: its layer's. :ivar label: the image of the node that it was taken of. :ivar first: of its users.
    :ivar below: what that node lay on.
    """

    name: str
    folder: Path
    label: str
    first: int
    below: tuple[str, ...]

    @property
    def trees(self) -> tuple[Path, ...]:
        """What a clone lies on, the uppermost first."""
        return (self.folder / layers.DISK, *map(Path, self.below))

    def layers(self, cache: Path) -> tuple[Layer, ...]:
        """The layers that a clone needs."""
        named = (each.parent.name.rpartition("-") for each in self.trees)
        return tuple(Layer(cache, name, key) for name, _, key in named)


def tree(path: Path) -> Tree:
    """What is at the path of a tree. :raises InfrastructureError: it is the disk of a snapshot that cannot be read."""
    if path.name != layers.DISK:
        return Tree(path)
    return Tree(path, is_disk=True, first=_read(path.parent).first)


def take(cache: Path, folder: Path, name: str) -> Snapshot:
    """Keep what a running container has on its disk.

    :param cache: the folder of images. :param folder: the node's. :param name: how the snapshot is found again.
    :raises InputError: the name is taken, or none. :raises InfrastructureError: the node cannot do it, or it failed.
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{,38}[A-Za-z0-9])?", name):
        raise InputError(f"{name!r} is no name for a snapshot", hint="40 letters, digits, - and . will do")
    if name in found(cache):
        raise InputError(f"there is a snapshot {name}", hint="take another name")
    record = place.read(folder)
    if record is None or record.kind != "nspawn" or not record.disk:
        what = "no node" if record is None else f"a node of the kind {record.kind} without a disk of its own"
        raise InfrastructureError(f"{folder.name}: no snapshot of {what}", hint="containers can do it: --node nspawn")
    if record.state not in (NodeState.READY, NodeState.HELD) or not record.inner:
        raise InfrastructureError(f"the node {record.name} is not running", hint="launch one")
    layer = Layer(cache, f"{_PREFIX}{name}", secrets.token_hex(8))
    snapshot = Snapshot(name, layer.folder, record.label, record.first, record.trees)
    try:
        with layers.building(layer, layers.DISK) as made:
            if made is not None:
                (layer.folder / _FACTS).write_text(json.dumps(asdict(snapshot) | {"folder": ""}))
                (layer.folder / layers.BELOW).symlink_to(record.trees[0])
                _copy(record, folder, made / layers.DISK)
    except BaseException:
        layers.remove(layer.folder)
        raise
    return snapshot


def _copy(record: place.Record, folder: Path, to: Path) -> None:
    inside = ("nsenter", "--mount", "--target", str(record.inner), "--", "sh", "-euc", _COPY, "sh")
    try:
        process.run([*inside, str(folder / "changes"), str(folder / place.DISK), str(to)], timeout=_PATIENCE)
    except (process.ProgramFailed, TimeoutError) as error:
        details = getattr(error, "details", str(error))
        raise InfrastructureError(f"no snapshot of {record.name} could be taken", details=details) from error


def found(cache: Path) -> dict[str, Snapshot]:
    """The snapshots that are there, by name."""
    folders = (each.parent for each in cache.glob(f"{_PREFIX}*/{layers.DISK}"))
    return {one.name: one for one in map(_read, folders)}


def _read(folder: Path) -> Snapshot:
    try:
        data = json.loads((folder / _FACTS).read_text())
        return Snapshot(str(data["name"]), folder, str(data["label"]), int(data["first"]), tuple(data["below"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = f"remove {folder}"
        raise InfrastructureError(f"the snapshot in {folder} is damaged", details=str(error), hint=hint) from error
