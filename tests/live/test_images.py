"""Images that are given as a file, and what layers share: real trees, on which real nodes start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import images, layers, recipe, stock
from gatelocal.launcher.pool import launcher
from gatelocal.model.label import Labels, Meaning, Origin

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

_FORMS = {
    "tar": 'tar -C "$1" -c --exclude=./dev/* -f "$2" .',
    "folder": 'cp -a --reflink=auto "$1" "$2"',
    # A partition table in front of the file system, as cloud images have it.
    "qcow2": """
        mke2fs -q -t ext4 -F -d "$1" raw 2G
        python3 -c "import sys, struct; entry = struct.pack('<4xB3xII', 0x83, 2048, 4194304); \\
            sys.stdout.buffer.write((b'\\0' * 446 + entry + b'\\0' * 48 + b'\\x55\\xaa').ljust(1 << 20, b'\\0'))" >whole
        cat raw >>whole
        qemu-img convert -O qcow2 whole "$2"
        rm raw whole
    """,
}


@pytest.fixture
def system() -> Path:
    """The tree of a system that has all that a node needs."""
    found = images.find(images.below(directories(os.environ).cache), None, os.environ)
    images.ensure_rootfs(found, print)
    return found.system.tree


@pytest.mark.parametrize("form", _FORMS)
def test_a_system_that_is_given_as_a_file_becomes_a_node(
    form: str, system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "FAMILIES", {"tox": ()})
    monkeypatch.setattr(recipe, "TOX", "true")
    given = tmp_path / f"given.{form}"
    subprocess.run(["sh", "-euc", _FORMS[form], "sh", str(system), str(given)], check=True, cwd=tmp_path)
    table = Labels("own", {"own": Origin("own", path=str(given))}, (Meaning(("ubuntu-noble",), "own"),))
    node = launcher("nspawn", tmp_path / "cache", tmp_path / "nodes", table).launch("ubuntu-noble", print)
    try:
        lines: list[str] = []
        assert node.run(["sh", "-c", "id -un; sudo id -un; hostname; git --version"], on_line=lines.append) == 0
        assert lines[:3] == ["zuul", "root", node.name] and node.notes == ()
        assert node.run(["sh", "-c", "ls /etc/apt/sources.list.d/gatelocal*"]) != 0, "it keeps its own sources"
    finally:
        node.close()
    assert {each.name.partition("-")[0] for each in stock.kept(tmp_path / "cache/images")} == {"os", "tox"}


def test_a_file_that_holds_no_system_is_told(tmp_path: Path) -> None:
    given = tmp_path / "given.img"
    given.write_bytes(b"x" * (1 << 20))
    table = Labels("own", {"own": Origin("own", path=str(given))})
    with pytest.raises(InfrastructureError) as caught:
        launcher("nspawn", tmp_path / "cache", tmp_path / "nodes", table).launch(None, print)
    assert "no partition of this disk holds a system" in caught.value.details
    assert list((tmp_path / "nodes").iterdir()) == []


def test_a_system_that_lacks_what_a_node_needs_is_told(tmp_path: Path) -> None:
    given = tmp_path / "tree"
    (given / "etc").mkdir(parents=True)
    table = Labels("own", {"own": Origin("own", path=str(given))})
    with pytest.raises(InfrastructureError, match="lacks sshd, sudo, python3"):
        launcher("nspawn", tmp_path / "cache", tmp_path / "nodes", table).launch(None, print)


def test_what_a_family_wants_lies_on_the_system_and_a_node_keeps_both(system: Path, tmp_path: Path) -> None:
    cache = images.below(directories(os.environ).cache)
    found = images.find(cache, None, os.environ)
    if found.packages.tree.name != layers.DELTA:
        pytest.skip("no overlay can be laid on this file system")
    assert not (found.packages.tree / "usr/bin/git").exists() and (system / "usr/bin/git").exists()
    assert (found.packages.tree / "opt/tox/bin/tox").exists() and not (system / "opt/tox").exists()
    before = {one.name: one.used for one in stock.kept(cache)}
    node = launcher("nspawn", directories(os.environ).cache, tmp_path / "nodes").launch(None, print)
    try:
        used = {one.name: one for one in stock.kept(cache) if node.name in one.nodes}
        assert set(used) == {found.system.folder.name, found.packages.folder.name}
        assert all(one.used > before[name] for name, one in used.items())
        names = {one.name for one in stock.prune(cache, budget=0, dry=True)}
        assert not names & set(used)
    finally:
        node.close()
    assert not [one for one in stock.kept(cache) if node.name in one.nodes]
