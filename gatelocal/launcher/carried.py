"""Reads the archive of a node that comes from elsewhere, without trusting it: what it says, what is handed on.

Run as a program (``FILE BYTES``) it writes the tree in the archive as a fresh tar stream, for the container that is to
have it: plain files, folders and links alone, below its root, of users that it has, no more than that many bytes.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from gatelocal.errors import InputError
from gatelocal.launcher.difference import FACTS, TREE
from gatelocal.model.hold import Invocation, Occasion
from gatelocal.model.text import visible

FORMAT = 1
_LONGEST_FACTS = 64 << 20
_MOST = 2_000_000
_MEMORY = 2 << 30  # bytes of address space: a header may claim any length
_KINDS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE)
_RANGE = 0x10000
_NONE = Occasion()


class Hostile(ValueError):
    """The archive is none, or one that nobody should have made."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an archive says of its node.

    :ivar label: of its image. :ivar layers: that image's, the uppermost first, by the names of their folders.
    :ivar gone: what of the image is not there any more, as names below the root.
    """

    label: str
    layers: tuple[str, ...]
    gone: tuple[str, ...]
    notes: tuple[str, ...] = ()
    occasion: Occasion = _NONE


def read(file: Path) -> Facts:
    """What the archive says. :raises InputError: it is no archive of a node, or cannot be read."""
    try:
        with _opened(file) as archive:
            return _facts(_first(archive))
    except (Hostile, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not the archive of a node", details=visible(str(error))) from None
    except OSError as error:
        raise InputError(f"{file} cannot be read", details=error.strerror or str(error)) from None


def hand_on(file: Path, stream: BinaryIO, most: int) -> None:
    """Write the tree as a tar stream. :param most: bytes. :raises Hostile: there is something that must not be."""
    count = total = 0
    with (
        _opened(file) as archive,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, errors="surrogateescape") as out,
    ):
        _first(archive)
        while (member := archive.next()) is not None:
            count, total = count + 1, total + max(member.size, 0)
            if count > _MOST or total > most:
                raise Hostile(f"it holds more than {_MOST} files or {most >> 20} MiB")
            out.addfile(_clean(member), archive.extractfile(member) if member.isreg() else None)
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all


def _clean(member: tarfile.TarInfo) -> tarfile.TarInfo:
    name = _below(member.name.removeprefix(f"{TREE}/") if member.name.startswith(f"{TREE}/") else "")
    if member.type not in _KINDS or member.issparse():
        raise Hostile(f"/{name} is neither file, folder nor link")
    if not (0 <= member.uid < _RANGE and 0 <= member.gid < _RANGE):
        raise Hostile(f"/{name} belongs to the user {member.uid}, whom no node has")
    clean = tarfile.TarInfo(f"./{name}")
    clean.type, clean.mode, clean.uid, clean.gid = member.type, member.mode & 0o7777, member.uid, member.gid
    clean.mtime = max(0, min(int(member.mtime), 1 << 33))
    clean.size = member.size if member.isreg() else 0
    if member.issym():
        clean.linkname = member.linkname
    return clean


def _below(name: str) -> str:
    """The name, which has to lead to below the root."""
    if not name or name.startswith("/") or "\0" in name or {"..", "."} & set(name.split("/")):
        raise Hostile(f"it has the name {name!r}")
    return str(PurePosixPath(name))


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with gzip.open(file) as raw, tarfile.open(fileobj=raw, mode="r|", errors="surrogateescape") as archive:
            yield archive
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, MemoryError, OverflowError) as error:
        raise Hostile(f"it is damaged ({type(error).__name__})") from None


def _first(archive: tarfile.TarFile) -> dict[str, Any]:
    member = archive.next()
    if member is None or member.name != FACTS or not member.isreg() or not 0 < member.size <= _LONGEST_FACTS:
        raise Hostile(f"it does not begin with {FACTS}")
    opened = archive.extractfile(member)
    try:
        data = json.loads(opened.read() if opened else b"")
    except (ValueError, RecursionError):
        raise Hostile(f"{FACTS} is no JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Hostile("it is of another version of this program")
    return data


def _facts(data: dict[str, Any]) -> Facts:
    return Facts(
        _text(data["label"]),
        _texts(data["layers"]),
        tuple(_below(name) for name in _texts(data["gone"])),
        _texts(data["notes"]),
        _occasion(data["occasion"]),
    )


def _occasion(data: dict[str, Any] | None) -> Occasion:
    if data is None:
        return _NONE
    run, job, change, outcome = (_text(data[key]) for key in ("run", "job", "change", "outcome"))
    stood = data["invocation"]
    if stood is None:
        return Occasion(run, job, change, outcome)
    variables = {_text(name): _text(value) for name, value in stood["environment"].items()}
    if any("=" in name or not name for name in variables):
        raise Hostile("a variable has a name that none can have")
    invocation = Invocation(
        _texts(stood["argv"]), _text(stood["directory"]), variables, _text(stood["purpose"]), stood["own"] is True
    )
    return Occasion(run, job, change, outcome, invocation=invocation)


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise Hostile("a list is expected")
    return tuple(map(_text, values))


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise Hostile("a text is expected")
    return value


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        hand_on(Path(sys.argv[1]), sys.stdout.buffer, int(sys.argv[2]))
    except (Hostile, OSError) as refused:
        sys.exit(visible(str(refused)))
