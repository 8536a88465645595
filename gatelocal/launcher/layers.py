"""Layers of images on this machine: folders named by what is in them, shared by images, locked while they are changed.

A part of a layer appears under its name only when it is whole. What uses a layer leaves a link to itself there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import place, trials

WHOLE, DELTA, ARCHIVE = "rootfs", "delta", "rootfs.tar"
"""The tree of a layer: a folder, what differs from the layer below (for an overlay), or a tar archive."""
KERNEL, DISK = "kernel", "disk"
BELOW = "below"
"""A link to the tree that a layer was made on."""
_USED, _USERS = "used", "users"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, whether it is built or not.

    :ivar name: what it is and of which system, such as ``tox-bookworm``. :ivar key: what it is made of.
    """

    cache: Path
    name: str
    key: str

    @property
    def folder(self) -> Path:
        """Where its parts are."""
        return self.cache / f"{self.name}-{self.key}"

    @property
    def tree(self) -> Path:
        """The part that is built as the tree, or would be here."""
        if not trials.is_root():
            return self.folder / ARCHIVE
        delta = self.folder / DELTA
        return delta if delta.exists() else self.folder / WHOLE


@contextmanager
def building(layer: Layer, part: str) -> Iterator[Path | None]:
    """A temporary folder in which to make a part of the layer; it is moved into place at the good end of the block.

    Gives None when somebody else made the part in the meantime. One builder at a time; what a killed one left goes.

    :param part: its name, or several names that may be made, with spaces between.
    :raises InfrastructureError: it could not be made; every one of them has a hint.
    """
    with _way_out(layer, part), locked(layer.folder):
        for stale in layer.folder.glob(".building-*"):
            remove_tree(stale)
        if any((layer.folder / one).exists() for one in part.split()):
            yield None
            return
        folder = layer.folder / f".building-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o755)
        try:
            yield folder
            for one in part.split():
                if (folder / one).exists():
                    (folder / one).rename(layer.folder / one)
        finally:
            remove_tree(folder)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a layer's lock; its folder is made when it is not there.

    :raises BlockingIOError: another has it, and there is to be no waiting.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_there(lock, folder / "lock"):
                yield
                return
        finally:
            os.close(lock)


def _is_there(lock: int, path: Path) -> bool:
    """Whether the lock is still that of the path: who waited may have waited for a folder that was removed."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), path.stat())
    return False


def forget(layer: Layer, kind: str, but: str) -> None:
    """Remove the parts of a kind that another recipe made, unless a node has started from the layer."""
    with locked(layer.folder):
        for part in () if users(layer.folder) else layer.folder.glob(f"{kind}-*"):
            if part.name != but:
                part.unlink() if part.is_file() else remove_tree(part)


def use(layers: tuple[Layer, ...], node: Path) -> bool:
    """Note that a node of that folder starts from the layers now; False: one of them was removed in the meantime."""
    for layer in layers:
        if not layer.folder.exists():
            return False
        with locked(layer.folder):
            if len(list(layer.folder.iterdir())) == 1:  # nothing but the lock that was just made
                return False
            users = layer.folder / _USERS
            users.mkdir(exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):
                (users / node.name).symlink_to(node.absolute())
            (layer.folder / _USED).touch(mode=0o600)
    return True


def users(folder: Path) -> tuple[str, ...]:
    """The nodes that are there and have started from the layer in that folder."""
    found = sorted((folder / _USERS).iterdir()) if (folder / _USERS).is_dir() else []
    for gone in (each for each in found if not each.exists()):
        gone.unlink(missing_ok=True)
    return tuple(each.name for each in found if each.exists())


def last_use(folder: Path) -> float:
    """When a node has started from the layer, or else when it was made, in seconds since the epoch."""
    for name in (_USED, "lock"):
        with contextlib.suppress(OSError):
            return (folder / name).stat().st_mtime
    return time.time()


def remove(folder: Path) -> None:
    """Remove a layer, whoever uses it: first out of sight, so that nobody finds half of it."""
    grave = folder.with_name(f".gone-{folder.name}-{secrets.token_hex(4)}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(grave)
        remove_tree(grave)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all below it, also what belongs to the other users of a tree built without being root."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and not trials.is_root():
        with contextlib.suppress(process.ProgramMissing):
            process.run([*trials.MAPPED, "rm", "-rf", str(folder)], check=False)


def sweep(cache: Path) -> None:
    """Remove what builders and removers that were killed have left."""
    for stale in cache.glob("*/.building-*"):
        with contextlib.suppress(OSError), place.locked(stale.parent / "lock"):
            remove_tree(stale)
    for grave in cache.glob(".gone-*"):
        remove_tree(grave)


@contextmanager
def _way_out(layer: Layer, part: str) -> Iterator[None]:
    """Give every failure of the block a hint, and what the operating system refuses words of ours."""
    doing = f"making {part.split(maxsplit=1)[0]} of the image {layer.name}"
    general = f"the logs are in {layer.folder}; --node local goes without an image, and without isolation"
    try:
        yield
    except InfrastructureError as error:
        if error.hint:
            raise
        raise InfrastructureError(error.brief, details=error.details, hint=general) from error
    except OSError as error:
        where = f"the cache folder is {layer.cache}; GATELOCAL_CACHE names another"
        room = f"make room (gatelocal image prune) and try again ({where})"
        said = f"{error.strerror or error}: {error.filename or layer.folder}"
        hint = room if error.errno == errno.ENOSPC else where
        raise InfrastructureError(f"{doing} failed", details=said, hint=hint) from error
