"""What one node is given at its start, as files: identity, keys, the host's settings; packed as tar (containers) and
as a cpio archive that the kernel unpacks (virtual machines).

Packed seeds may hold passwords of package indexes: they are written with mode 0600 only.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from gatelocal import process

USER, UID = "zuul", 1000
HOME = f"/home/{USER}"
_KEYS = """
make() { ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$2"; }
make "$1" key & first=$!
make "$1" host_key && wait $first
"""
NOBODY: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class File:
    """A file on the node, owned by root. :ivar path: absolute. :ivar mode: permission bits."""

    path: str
    content: bytes
    mode: int = 0o644


_NO_NOLOGIN = File("/etc/tmpfiles.d/systemd-nologin.conf", b"")
"""Hides systemd's file of that name, by which pam_nologin(8) lets nobody in until systemd-user-sessions.service ran.
Nothing orders that before the ssh server, so that a busy machine's node would now and then refuse its own key."""


def identity(folder: Path, name: str, address: str, others: Mapping[str, Sequence[str]] = NOBODY) -> tuple[File, ...]:
    """Make the node's two key pairs: its own host key, and the key that opens it.

    :param others: address → the names of what is there, for the node to find them.

    Private keys stay in the node's folder; `known_hosts` there names the host key in advance, so that nothing has to
    be trusted on first use.
    """
    process.run(("sh", "-c", _KEYS, "sh", name), cwd=folder)
    public = (folder / "host_key.pub").read_text()
    hosts = {"127.0.0.1": ("localhost",), "::1": ("localhost",), address: (name,), **others}
    (folder / "known_hosts").write_text(f"{name} {public}")
    return (
        File("/etc/gatelocal/host_key", (folder / "host_key").read_bytes(), 0o600),
        File("/etc/gatelocal/host_key.pub", public.encode()),
        File("/etc/gatelocal/authorized_keys", (folder / "key.pub").read_bytes()),
        File("/etc/machine-id", b""),
        _NO_NOLOGIN,
        File("/etc/hostname", f"{name}\n".encode()),
        File("/etc/hosts", "".join(f"{at} {' '.join(names)}\n" for at, names in hosts.items()).encode()),
    )


def write_tar(path: Path, files: Iterable[File]) -> None:
    """Pack the files for ``tar -x -C ROOT``."""
    path.touch(mode=0o600)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for file in files:
            member = tarfile.TarInfo(file.path.lstrip("/"))
            member.size, member.mode = len(file.content), file.mode
            archive.addfile(member, io.BytesIO(file.content))


def cpio(files: Iterable[File], links: Iterable[tuple[str, str]] = ()) -> bytes:
    """Pack the files, with the folders they need, in cpio's "newc" format.

    The format is in the Linux kernel's documentation, "initramfs buffer format".

    :param links: symbolic links as (path, target).
    """
    out = io.BytesIO()
    folders: dict[str, None] = {}
    files, links = tuple(files), tuple(links)
    for path in [file.path for file in files] + [path for path, _ in links]:
        folders.update(dict.fromkeys(str(each).lstrip("/") for each in reversed(PurePosixPath(path).parents)))
    folders.pop("", None)
    for folder in folders:
        _entry(out, folder, 0o040755, b"")
    for file in files:
        _entry(out, file.path.lstrip("/"), 0o100000 | file.mode, file.content)
    for path, target in links:
        _entry(out, path.lstrip("/"), 0o120777, target.encode())
    _entry(out, "TRAILER!!!", 0, b"")
    return out.getvalue() + b"\0" * (-out.tell() % 512)


def _entry(out: io.BytesIO, name: str, mode: int, content: bytes) -> None:
    data = name.encode() + b"\0"
    links = 2 if mode & 0o040000 and not mode & 0o100000 else 1
    fields = (out.tell() + 1, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(data), 0)
    out.write(b"070701" + "".join(f"{field:08X}" for field in fields).encode() + data)
    out.write(b"\0" * (-out.tell() % 4) + content)
    out.write(b"\0" * (-out.tell() % 4))
