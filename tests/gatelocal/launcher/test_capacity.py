"""How many builds a machine carries."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.launcher import capacity
from gatelocal.launcher.place import ProcessName, Record
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.label import Host, Labels, Sizing
from gatelocal.model.plan import Nodeset, NodeWanted


@pytest.mark.parametrize(
    ("cores", "text", "builds"),
    [
        (8, "MemTotal: 99 kB\nMemAvailable: 33554432 kB\n", 4),
        (8, "MemAvailable: 7340032 kB\n", 2),
        (64, "MemAvailable: 1048576 kB\n", 1),
        (1, "MemAvailable: 33554432 kB\n", 1),
        (8, "nothing to be understood\n", 4),
        (8, "MemAvailable: much\n", 4),
        (8, None, 4),
    ],
)
def test_cores_and_free_memory_decide(
    cores: int, text: str | None, builds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "cores", lambda: cores)
    if text is not None:
        (tmp_path / "meminfo").write_text(text)
    assert capacity.builds(tmp_path / "meminfo") == builds


def _nodeset(*labels: str) -> Nodeset:
    return Nodeset(nodes=tuple(NodeWanted((label,), label) for label in labels))


@pytest.mark.parametrize(
    ("labels", "seats"),
    [
        ((), 1),
        (("small",), 1),
        (("x-8GB",), 3),
        (("x-16GB",), 6),
        (("a", "b"), 2),
        (("a", "x-8GB"), 4),
        (("metal",), 1),
    ],
)
def test_a_build_counts_by_the_memory_of_its_nodes(labels: tuple[str, ...], seats: int) -> None:
    sizes = (Sizing(("*-8GB",), memory=8192), Sizing(("*-16GB",), memory=16384), Sizing(("small",), memory=512))
    table = BUILT_IN.extended(Labels("", {}, (), sizes, (Host("h", ("metal",), "k"),)))
    assert capacity.seats(table, (_nodeset(*(labels or ("",))), _nodeset("x-16GB"))) == seats


def test_memory_that_a_node_has(tmp_path: Path) -> None:
    record = Record("n", "nspawn", "x", ProcessName(1, 1), processes=(ProcessName(os.getpid(), 1),))
    assert capacity.taken(record) > 1 << 20
    for text, wanted in (
        ("cache 999\nrss 1\ntotal_rss 4096\n", 4096),
        ("anon 8192\nfile 999\n", 8192),
        ("nothing 1\n", 0),
    ):
        (tmp_path / "memory.stat").write_text(text)
        groups = (str(tmp_path / "systemd"), str(tmp_path))
        assert capacity.taken(replace(record, cgroups=groups)) == wanted
    assert capacity.taken(replace(record, processes=(ProcessName(1 << 30, 1),))) == 0
