"""A container is kept as it is, in the middle of something, and others go on from there, each as itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import images, layers, snapshots, stock
from gatelocal.launcher.pool import Pool, launcher
from gatelocal.ports import Node

pytestmark = [pytest.mark.live, pytest.mark.nspawn]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    cache = directories(os.environ).cache
    yield launcher("nspawn", cache, tmp_path / "nodes")
    for one in snapshots.found(images.below(cache)).values():
        if one.name.startswith("test-"):
            layers.remove(one.folder)


def _said(node: Node, script: str) -> list[str]:
    lines: list[str] = []
    assert node.run(["sh", "-euc", script], on_line=lines.append) == 0, lines
    return lines


_WHO = """
cat /etc/machine-id /etc/gatelocal/host_key.pub
hostname
cat /sys/class/net/tap0/address
od -An -N8 -tx8 /dev/urandom
"""
_DO = "mkdir -p work; echo half >work/done; sudo rm /etc/issue; echo x | sudo tee /etc/new"
_LOOK = "cat work/done /etc/new; stat -c '%U %U' work/done; test ! -e /etc/issue; echo on >>work/done; sudo id -un"


def test_what_was_done_is_there_and_each_clone_is_itself(pool: Pool, tmp_path: Path) -> None:
    name = f"test-{os.getpid()}"
    with ExitStack() as stack:
        first = pool.launch(None, print)
        stack.callback(first.close)
        _said(first, _DO)
        taken = pool.snapshot(first.name, name)
        _said(first, "echo more >>work/done")
        with pytest.raises(InputError, match="there is a snapshot"):
            pool.snapshot(first.name, name)
        first.close()
        clones = [pool.clone(name, print) for _ in range(3)]
        for clone in clones:
            stack.callback(clone.close)
        for clone in clones:
            assert _said(clone, _LOOK) == ["half", "x", "zuul zuul", "root"]
        identities = [_said(clone, _WHO) for clone in clones]
        for each in zip(*identities, strict=True):
            assert len(set(each)) == len(clones), each
        disk = [tmp_path / "nodes" / clone.name / "disk" for clone in clones]
        assert all(each.stat().st_blocks * 512 < 30 << 20 for each in disk)
        assert name in str(clones[0].description)
        kept = {one.folder: one for one in stock.kept(pool.cache)}
        assert len(kept[taken.folder].nodes) == 3
        assert not [one for one in stock.prune(pool.cache, budget=0, dry=True) if one.folder == taken.folder]

        again = pool.snapshot(clones[1].name, f"{name}-again")
        second = pool.clone(again.name, print)
        stack.callback(second.close)
        said = _said(second, "cat work/done; test ! -e /etc/issue; stat -c %u work/done")
        assert said == ["half", "on", "1000"]


def test_a_damaged_snapshot_is_told_with_what_helps(pool: Pool, tmp_path: Path) -> None:
    folder = tmp_path / "cache/images/snapshot-broken-0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / layers.DISK).touch()
    (folder / "snapshot.json").write_text('{"name": "broken"')
    with pytest.raises(InfrastructureError, match="is damaged") as caught:
        launcher("nspawn", tmp_path / "cache", tmp_path / "nodes").clone("broken", print)
    assert f"remove {folder}" in caught.value.hint


def test_what_cannot_be_kept_is_told(pool: Pool, tmp_path: Path) -> None:
    local = launcher("local", tmp_path / "cache", tmp_path / "nodes")
    node = local.launch(None, print)
    with pytest.raises(InfrastructureError, match="no snapshot of a node of the kind local"):
        local.snapshot(node.name, "x")
    node.close()
    with pytest.raises(InfrastructureError, match="no snapshot of no node"):
        pool.snapshot("nobody-00000000", "x")
    with pytest.raises(InputError, match="no name for a snapshot"):
        pool.snapshot(node.name, "../x")
    with pytest.raises(InputError, match="there is no snapshot y"):
        pool.clone("y", print)
