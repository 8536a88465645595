"""What a label comes to on its way to a node, and what becomes of one that does not come up.

What hangs is pretended, the live tests boot real ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import choosing, groups, place, pool
from gatelocal.launcher.providers import qemu, walls
from gatelocal.model.label import Labels, Meaning, Size, Sizing


@pytest.fixture(name="patient")
def _patient(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The patience that each machine was booted with; all hang but those with more than the usual."""
    asked: list[int] = []

    def boot(self: qemu.Provider, image: Any, folder: Path, record: Any, say: Any) -> Any:
        asked.append(self.patience)
        if self.patience == 1 or image == "hangs":
            raise qemu.DidNotBoot(f"{record.name} did not boot")
        return folder

    monkeypatch.setattr(qemu.Provider, "launch", boot)
    monkeypatch.setattr(pool.Pool, "_choose", lambda self, origin, say: choosing.Choice("qemu", "a machine"))
    return asked


@pytest.mark.parametrize("image", ["boots", "hangs"])
def test_a_machine_that_hangs_is_replaced_once(
    image: str, patient: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Pool, "_image", lambda self, origin: image)
    launcher = pool.launcher("qemu", tmp_path / "cache", tmp_path / "nodes")
    said: list[str] = []
    if image == "boots":
        folder: Any = launcher.launch(None, said.append)
        assert list((tmp_path / "nodes").iterdir()) == [folder]
        pool.sweeper.remove(folder)
    else:
        with pytest.raises(InfrastructureError, match="did not boot"):
            launcher.launch(None, said.append)
    assert patient == [1, 2] and len(said) == 1 and "once more" in said[0]
    assert not list((tmp_path / "nodes").iterdir())


@pytest.mark.parametrize(
    ("label", "note", "said"),
    [
        (None, "", ""),
        ("debian-trixie", "", ""),
        ("ubuntu-noble", "debian-trixie stands in for ubuntu-noble", "debian-trixie stands in for ubuntu-noble"),
        (
            "windows",
            "debian-bookworm stands in for windows",
            "no image is known for the label windows: debian-bookworm",
        ),
    ],
)
def test_a_substitute_is_declared(
    label: str | None, note: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(qemu.Provider, "launch", lambda self, image, folder, record, say: given.append(record))
    monkeypatch.setattr(pool.Pool, "_choose", lambda self, origin, say: choosing.Choice("qemu", "a machine"))
    heard: list[str] = []
    labels = pool.BUILT_IN.extended(Labels("", {}, (Meaning(("ubuntu-*",), "debian-trixie", stands_in=True),)))
    pool.launcher("qemu", tmp_path / "cache", tmp_path / "nodes", labels).launch(label, heard.append)
    record = given[0]
    assert record.notes == ((note,) if note else ()) and place.read(tmp_path / "nodes" / record.name) == record
    assert record.description == ("a machine; " + note if note else "a machine") and heard == (
        [heard[0]] if said else []
    )
    assert not said or heard[0].startswith(said)
    pool.sweeper.remove(tmp_path / "nodes" / record.name)


def test_the_size_of_a_label_is_the_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(qemu.Provider, "launch", lambda self, image, folder, record, say: given.append(self.size))
    monkeypatch.setattr(pool.Pool, "_choose", lambda self, origin, say: choosing.Choice("qemu", "a machine"))
    labels = pool.BUILT_IN.extended(Labels("", {}, (), (Sizing(("*-8GB",), memory=8192),)))
    for label in ("debian-trixie", "debian-trixie-8GB"):
        pool.launcher("qemu", tmp_path / "cache", tmp_path / "nodes", labels).launch(label, print)
    assert given == [Size(2, 2048, 24), Size(2, 8192, 24)]
    for folder in (tmp_path / "nodes").iterdir():
        pool.sweeper.remove(folder)


@pytest.mark.live  # more than a moment
def test_this_machine_stands_in_for_every_label(tmp_path: Path) -> None:
    for label, notes in (
        ("ubuntu-noble", ("this machine stands in for ubuntu-noble",)),
        (None, ("this machine stands in for a node of its own",)),
    ):
        node = pool.launcher("local", tmp_path / "cache", tmp_path / "nodes").launch(label, lambda line: None)
        assert node.notes == notes
        node.close()


def test_each_container_has_users_of_its_own() -> None:
    ranges = [walls.range_of(f"debian-bookworm-{number:08x}") for number in range(100)]
    assert len(set(ranges)) == 100
    assert all(first % 0x10000 == 0 and 0x80000 <= first < 0x70000000 for first in ranges)
    assert walls.range_of("x-ffffffff") < 0x70000000


def test_what_a_container_lacks_is_told() -> None:
    whole = groups.Groups((), frozenset({"memory", "pids"}))
    assert walls.Walls().lacking(whole) == ""
    assert walls.Walls("too old").lacking(whole) == "its root is this machine's root (too old)"
    assert walls.Walls("", "x").lacking(groups.Groups()) == "no limit on memory, tasks, disk"
