"""Stacks that stand, found again by what they were made of; taking one is in the live tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import checkpoints, layers, place
from gatelocal.launcher.lifecycle import NodeState


def made(cache: Path, name: str, key: str, at: float, **commits: str) -> Path:
    """A snapshot's folder, as one that was taken leaves it."""
    folder = cache / f"snapshot-{name}-0011"
    folder.mkdir(parents=True)
    (folder / layers.DISK).touch()
    (folder / "snapshot.json").write_text(
        json.dumps({"name": name, "folder": "", "label": "debian-bookworm", "first": 0, "below": []})
    )
    (folder / "stack.json").write_text(json.dumps({"key": key, "commits": commits, "made": at}))
    return folder


def test_those_of_a_key_that_are_young_enough_the_newest_first(tmp_path: Path) -> None:
    for name, key, at in (("a", "k", 1000.0), ("b", "k", 2000.0), ("c", "other", 2000.0), ("d", "k", 0.0)):
        made(tmp_path, name, key, at, keystone=name)
    found = checkpoints.found(tmp_path, "k", checkpoints.AGE + 500.0)
    assert [(one.snapshot.name, one.commits) for one in found] == [("b", {"keystone": "b"}), ("a", {"keystone": "a"})]


def test_a_snapshot_that_is_no_stack_is_passed_over_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    (made(tmp_path, "a", "k", 1.0) / "stack.json").unlink()
    assert checkpoints.found(tmp_path, "k", 2.0) == ()
    (made(tmp_path, "b", "k", 1.0) / "stack.json").write_text("[]")
    with pytest.raises(InfrastructureError, match="the snapshot b is damaged"):
        checkpoints.found(tmp_path, "k", 2.0)


def test_a_node_tells_which_stack_it_began_with(tmp_path: Path) -> None:
    folder = made(tmp_path / "images", "a", "k", 1.0, keystone="c0")
    owner = place.this_process()
    for name, trees in (("warm", (str(folder / layers.DISK), "/image")), ("cold", ("/image",)), ("none", ())):
        (tmp_path / name).mkdir()
        place.write(tmp_path / name, place.Record(name, "nspawn", "l", owner, NodeState.READY, trees=trees))
    found = checkpoints.of(tmp_path / "warm")
    assert found is not None
    assert (found.snapshot.name, found.commits) == ("a", {"keystone": "c0"})
    assert checkpoints.of(tmp_path / "cold") is None
    assert checkpoints.of(tmp_path / "none") is None
    assert checkpoints.of(tmp_path / "gone") is None


def test_what_nobody_will_begin_with_goes_unless_it_is_in_use(tmp_path: Path) -> None:
    now = checkpoints.AGE + 100.0
    for name, key, at in (("a", "k", 200.0), ("b", "k", 300.0), ("c", "k", 400.0), ("d", "x", 50.0), ("e", "x", 60.0)):
        made(tmp_path, name, key, at)
    used = tmp_path / "snapshot-e-0011/users"
    used.mkdir()
    (used / "node").symlink_to(tmp_path)
    checkpoints._forget(tmp_path, now)
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"snapshot-{name}-0011" for name in "bce"]
