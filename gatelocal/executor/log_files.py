"""The logs that lie in a build's folder, as pieces of bytes, packed ones unpacked; what they say is told elsewhere.

Nothing in them can make the reader read more than it wants: not a link, not a packed file that unfolds without end.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gatelocal.model.result import JOB_OUTPUT

PIECE = 1 << 20
LARGEST = 1 << 30
"""Bytes of one log that are read, unpacked."""

_MOST = 2000
_DEEPEST = 12
_ENDINGS = (".txt", ".log", ".out", ".err", ".journal", ".html")
_PACKED = (".gz",)
_NOT = frozenset(("streams", "junit", "trees", "src", ".git"))


@dataclass(slots=True)
class Logs:
    """The logs of one build.

    :ivar notes: what was left out, each one sentence. :ivar left: bytes that may still be read of all of them.
    """

    folder: Path
    notes: list[str] = field(default_factory=list)
    left: int = 4 * LARGEST

    def names(self) -> tuple[PurePosixPath, ...]:
        """Their paths in the folder: the build's own output first, then the others by their names."""
        found = sorted(self._found())
        if len(found) > _MOST:
            self.notes.append(f"{len(found) - _MOST} logs are not read: there are more than {_MOST}")
        return tuple(sorted(found[:_MOST], key=lambda one: (one.name != JOB_OUTPUT, one)))

    def pieces(self, name: PurePosixPath) -> Iterator[bytes]:
        """The bytes of one of them, unpacked, as far as they may be read."""
        allowed = min(LARGEST, self.left)
        read = 0
        try:
            for piece in _opened(self.folder / name, name.suffix in _PACKED):
                kept = piece[: allowed - read]
                read += len(kept)
                self.left -= len(kept)
                yield kept
                if len(kept) < len(piece):
                    self.notes.append(f"{name}: only the first {read} bytes are read")
                    return
        except OSError as error:
            self.notes.append(f"{name}: it cannot be read: {error.strerror}")
        except zlib.error:
            self.notes.append(f"{name}: it is packed, and damaged after {read} bytes")

    def _found(self) -> Iterator[PurePosixPath]:
        for place, folders, files in os.walk(self.folder, followlinks=False):
            here = Path(place).relative_to(self.folder)
            folders[:] = [one for one in folders if one not in _NOT and not one.startswith(".")]
            if len(here.parts) >= _DEEPEST:
                folders.clear()
            for name in files:
                path = PurePosixPath(here / name)
                bare = path.with_suffix("") if path.suffix in _PACKED else path
                if bare.suffix in _ENDINGS and not name.startswith("."):
                    yield path


def _opened(path: Path, packed: bool) -> Iterator[bytes]:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb", buffering=0) as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return
        pieces = iter(lambda: opened.read(PIECE), b"")
        yield from _unpacked(pieces) if packed else pieces


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """gzip's members one after the other, never more than a piece at a time."""
    unpacker = zlib.decompressobj(wbits=31)
    for piece in pieces:
        data = piece
        while data:
            out = unpacker.decompress(data, PIECE)
            if out:
                yield out
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                data = unpacker.unused_data
                unpacker = zlib.decompressobj(wbits=31)
                if not data.strip(b"\0"):
                    break
    if tail := unpacker.flush(PIECE):
        yield tail
