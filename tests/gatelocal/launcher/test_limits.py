"""What a node may take: memory, tasks and disk; and the control groups that set it, on pretended machines."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import capacity, groups, limits, place
from gatelocal.model.label import Size

_GIB = 1 << 30
_SIZE = Size(cpus=2, memory=2048, disk=24)


class _Disk:
    """What os.statvfs tells of a disk with so much room."""

    f_frsize = 4096

    def __init__(self, gibibytes: float) -> None:
        self.f_bavail = int(gibibytes * _GIB) // self.f_frsize


def _meminfo(folder: Path, gibibytes: int) -> Path:
    file = folder / "meminfo"
    file.write_text(f"MemTotal: 99 kB\nMemAvailable: {gibibytes << 20} kB\n")
    return file


@pytest.mark.parametrize(("free", "wanted", "given"), [(100, 2, 8), (8, 2, 6), (100, 32, 32), (20, 32, 15), (1, 2, 1)])
def test_a_container_may_take_no_more_memory_than_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, wanted: int, given: int
) -> None:
    monkeypatch.setattr(limits.os, "statvfs", lambda path: _Disk(100))
    size = replace(_SIZE, memory=wanted << 10)
    assert limits.of_container(size, tmp_path, _meminfo(tmp_path, free)).memory == given * _GIB


def test_a_machine_is_not_larger_than_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "cores", lambda: 4)
    assert limits.of_machine(Size(8, 8192, 80), _meminfo(tmp_path, 8)) == Size(4, 6144, 80)
    assert limits.of_machine(Size(2, 2048, 24), _meminfo(tmp_path, 8)) == Size(2, 2048, 24)


def test_without_memory_there_is_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.os, "statvfs", lambda path: _Disk(100))
    (tmp_path / "meminfo").write_text(f"MemAvailable: {300 << 10} kB\n")
    for what in (
        lambda: limits.of_container(_SIZE, tmp_path, tmp_path / "meminfo"),
        lambda: limits.of_machine(_SIZE, tmp_path / "meminfo"),
    ):
        with pytest.raises(InfrastructureError, match="no memory for a node") as caught:
            what()
        assert "300 MiB" in caught.value.details and "hold list" in caught.value.hint


def _node(runtime: Path, gibibytes: int, taken: int) -> None:
    folder, record = place.create(runtime, "nspawn", "debian-bookworm")
    place.write(folder, replace(record, disk=gibibytes * _GIB))
    with (folder / place.DISK).open("wb") as disk:
        disk.write(b"x" * (taken << 20))
        os.fsync(disk.fileno())


def test_no_node_can_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.os, "statvfs", lambda path: _Disk(71))
    given = []
    for _ in range(4):
        given.append(limits.disk(_SIZE, tmp_path) / _GIB)
        _node(tmp_path, int(given[-1]), 0)
    assert [int(each) for each in given] == [24, 23, 17, 17]


def test_what_a_node_has_taken_already_is_not_counted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.os, "statvfs", lambda path: _Disk(11))
    _node(tmp_path, 2, 64)
    assert limits.disk(_SIZE, tmp_path) / _GIB == pytest.approx(4 + 1 / 32, abs=0.01)


def test_no_room_for_a_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.os, "statvfs", lambda path: _Disk(1.5))
    with pytest.raises(InfrastructureError, match="no room for a node's disk") as caught:
        limits.disk(_SIZE, tmp_path)
    assert caught.value.no_space and "has 1.5 GiB" in caught.value.details and "prune" in caught.value.hint


def _machine(root: Path, own: str, mounts: dict[str, tuple[str, str]]) -> Path:
    """A pretended /proc/self. :param mounts: below `root`: name → kind and options."""
    proc = root / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(own)
    lines = []
    for name, (kind, options) in mounts.items():
        (root / name / "a").mkdir(parents=True)
        lines.append(f"31 23 0:28 / {root / name} rw,relatime - {kind} cgroup rw,{options}")
    (proc / "mountinfo").write_text("\n".join(lines))
    return proc


def test_limits_are_set_in_hierarchies_of_version_1(tmp_path: Path) -> None:
    proc = _machine(
        tmp_path,
        "5:name=systemd:/a\n4:memory:/a\n3:cpu,cpuacct:/a\n2:pids:/\n0::/a\n",
        {
            "systemd": ("cgroup", "name=systemd"),
            "memory": ("cgroup", "memory"),
            "cpu": ("cgroup", "cpu,cpuacct"),
            "pids": ("cgroup", "pids"),
        },
    )
    made = groups.make("n-1", limits.Limits(5 * _GIB, _GIB, 77), proc)
    below = ["systemd/a/gatelocal-n-1", "memory/a/gatelocal-n-1", "pids/gatelocal-n-1"]
    assert [str(each.relative_to(tmp_path)) for each in made.paths] == below
    assert (tmp_path / below[1] / "memory.limit_in_bytes").read_text() == str(5 * _GIB)
    assert (tmp_path / below[2] / "pids.max").read_text() == "77"
    assert made.unlimited == ()


def test_limits_are_set_below_the_root_of_version_2(tmp_path: Path) -> None:
    proc = _machine(tmp_path, "0::/a\n", {"unified": ("cgroup2", "nsdelegate")})
    made = groups.make("n-1", limits.Limits(5 * _GIB, _GIB, 77), proc)
    (group,) = made.paths
    assert group == tmp_path / "unified/gatelocal/gatelocal-n-1"
    assert ((group / "memory.max").read_text(), (group / "pids.max").read_text()) == (str(5 * _GIB), "77")
    for folder in (group.parent, group.parent.parent):
        assert (folder / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert made.unlimited == ()


def test_what_has_no_limit_is_told(tmp_path: Path) -> None:
    proc = _machine(tmp_path, "0::/a\n", {"unified": ("cgroup2", "nsdelegate")})
    (tmp_path / "unified/cgroup.subtree_control").mkdir()  # cannot be written, as where processes are in the group
    made = groups.make("n-1", limits.Limits(_GIB, _GIB), proc)
    assert (made.paths, made.unlimited) == ((tmp_path / "unified/a/gatelocal-n-1",), ("memory", "tasks"))
    assert not (tmp_path / "unified/gatelocal").exists()


def test_a_machine_without_groups_has_none(tmp_path: Path) -> None:
    proc = _machine(tmp_path, "", {})
    assert groups.make("n-1", limits.Limits(_GIB, _GIB), proc) == groups.Groups()
