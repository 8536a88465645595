"""Partition tables of disks that are given as an image; written here as their specification describes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gatelocal.launcher import partitions

_MIB = 1 << 20


def _legacy(*entries: tuple[int, int, int]) -> bytes:
    packed = b"".join(struct.pack("<4xB3xII", *entry) for entry in entries).ljust(64, b"\0")
    return b"\0" * 446 + packed + b"\x55\xaa"


def _guid(*entries: tuple[int, int], size: int = 128) -> bytes:
    header = b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, len(entries) + 1, size)
    table = b"".join(struct.pack("<16s16sQQ", b"k" * 16, b"u" * 16, *each).ljust(size, b"\0") for each in entries)
    return _legacy((0xEE, 1, 0xFFFFFFFF)) + header.ljust(512, b"\0") + table


@pytest.mark.parametrize(
    ("head", "offsets"),
    [
        (_legacy((0x83, 2048, 100), (0x82, 4096, 7000)), (4096 * 512, _MIB, 0)),
        (_guid((2048, 4095), (8192, 90000), (4096, 8191)), (8192 * 512, 4096 * 512, _MIB, 0)),
        (_guid((2048, 4095), size=256), (_MIB, 0)),
        (b"\0" * 4096, (0,)),
        (b"", (0,)),
        (_legacy((0xEE, 1, 5)), (0,)),
        (_legacy((0xEE, 1, 5)) + b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 1 << 40, 1 << 31, 0), (0,)),
        (_guid((4095, 2048)), (0,)),
    ],
)
def test_the_largest_partition_comes_first_and_the_disk_itself_last(
    tmp_path: Path, head: bytes, offsets: tuple[int, ...]
) -> None:
    (tmp_path / "disk").write_bytes(head)
    assert partitions.offsets(tmp_path / "disk") == offsets
