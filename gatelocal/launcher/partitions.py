"""Where the partitions of a disk lie, as its own tables say; it mounts nothing.

The tables are those of the UEFI specification, chapter 5: "GUID Partition Table", and the "legacy MBR" before it.
"""

from __future__ import annotations

import struct
from pathlib import Path

_SECTOR = 512
_MOST = 128
_PROTECTIVE = 0xEE
"""The kind of the one entry of an MBR in front of a GUID partition table."""


def offsets(disk: Path) -> tuple[int, ...]:
    """Where the partitions of a raw disk begin, in bytes, the largest first; the disk's own beginning comes last."""
    with disk.open("rb") as opened:
        head = opened.read((2 + 32 + _MOST) * _SECTOR)
    found = _legacy(head)
    if any(kind == _PROTECTIVE for kind, _, _ in found):
        found = _guid(head)
    return (*(begin * _SECTOR for _, begin, _ in sorted(found, key=lambda one: -one[2])), 0)


def _legacy(head: bytes) -> list[tuple[int, int, int]]:
    """Kind, first sector and number of sectors of each entry."""
    if head[510:512] != b"\x55\xaa":
        return []
    entries = [struct.unpack_from("<4xB3xII", head, 446 + 16 * number) for number in range(4)]
    return [(kind, begin, count) for kind, begin, count in entries if kind and begin and count]


def _guid(head: bytes) -> list[tuple[int, int, int]]:
    if head[_SECTOR : _SECTOR + 8] != b"EFI PART":
        return []
    table, count, size = struct.unpack_from("<QII", head, _SECTOR + 72)
    found = []
    for number in range(min(count, _MOST)):
        at = table * _SECTOR + number * size
        if at + 48 > len(head):
            break
        kind, begin, end = head[at : at + 16], *struct.unpack_from("<QQ", head, at + 32)
        if any(kind) and end >= begin > 0:
            found.append((0, begin, end - begin + 1))
    return found
