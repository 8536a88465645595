"""The socket between Ansible's process and the build, by the plugin's own side of it; Ansible itself is not needed."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible.bridge import Bridge
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.fakes.node import FolderNode


class World:
    """A bridge to a folder. :ivar live: lines that were told as they came. :ivar heard: all else."""

    def __init__(self, folder: Path) -> None:
        for name in ("node", "bridge"):
            (folder / name).mkdir()
        self.folder = folder
        self.node = FolderNode(folder / "node")
        self.live: list[str] = []
        self.heard: list[object] = []
        self.bridge = Bridge(folder / "bridge", {"node": self.node}, self.live.append, self.heard.append)

    def ask(self, **what: object) -> dict[str, object]:
        handle = os.open(self.folder / "bridge", os.O_RDONLY | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(f"/proc/self/fd/{handle}/bridge")
                link.sendall(f"{json.dumps(what)}\n".encode())
                answer: dict[str, object] = json.loads(link.makefile().readline() or "{}")
                return answer
        finally:
            os.close(handle)

    def stage(self, name: str, text: str = "") -> Path:
        folder = self.folder / "bridge/stage" / name
        folder.mkdir()
        if text:
            (folder / "file").write_text(text)
        return folder


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    deep = tmp_path / ("d" * 60) / ("e" * 60)  # no socket's path is that long
    deep.mkdir(parents=True)
    found = World(deep)
    with found.bridge:
        yield found


def test_a_program_with_lines_that_are_told_as_they_come(world: World) -> None:
    command = "printf 'one\\n\\036gatelocal two\\nthree\\n'; echo four >&2; exit 3"
    assert world.ask(op="run", command=command) == {"status": 3, "output": "one\nthree\nfour\n"}
    assert world.live == ["two"]


def test_of_several_nodes_the_one_that_is_meant_and_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "other").mkdir()
    nodes = {"one": world.node, "10.0.0.1": world.node, "two": FolderNode(tmp_path / "other")}
    world.bridge = Bridge(tmp_path / "bridge", nodes, world.live.append, world.heard.append)
    with world.bridge:
        for name, folder in (("one", "node"), ("10.0.0.1", "node"), ("two", "other")):
            assert world.ask(op="run", host=name, command="pwd")["output"] == f"{tmp_path / folder}\n"
        for op in ("run", "put", "get"):
            answer = world.ask(op=op, host="three", command="pwd", folder="a", path="/x")
            assert "three is no node of the job" in str(answer["error"])


def test_a_long_line_comes_whole(world: World) -> None:
    assert len(str(world.ask(op="run", command="head -c 300000 /dev/zero | tr '\\0' x")["output"])) == 300_001


def test_files_there_and_back(world: World) -> None:
    world.stage("a", "content")
    target = f"{world.node.home}/it's here"
    assert world.ask(op="put", folder="a", path=target) == {}
    assert Path(target).read_text() == "content"
    assert sorted(one.name for one in Path(world.node.home).iterdir()) == ["it's here"]
    back = world.stage("b")
    assert world.ask(op="get", folder="b", path=target) == {}
    assert (back / "it's here").read_text() == "content"


@pytest.mark.parametrize("name", ["", "..", ".", "../..", "a/b"])
def test_nothing_but_the_stage_is_sent_or_written(world: World, name: str) -> None:
    for op in ("put", "get"):
        assert "no folder of the stage" in str(world.ask(op=op, folder=name, path="/x")["error"])


@pytest.mark.parametrize("what", [{"op": "run"}, {"op": "put", "folder": "none", "path": "/x"}, {"nothing": 1}])
def test_nonsense_is_answered_and_harms_nobody(world: World, what: dict[str, object]) -> None:
    assert "error" in world.ask(**what)
    assert world.ask(op="run", command="true")["status"] == 0


def test_what_cannot_be_written_or_found_is_the_tasks_failure(world: World) -> None:
    world.stage("a", "content")
    assert "cannot be written" in str(world.ask(op="put", folder="a", path="/nowhere/at/all")["error"])
    world.stage("b")
    assert "there is no" in str(world.ask(op="get", folder="b", path="/nowhere/at/all")["error"])


def test_a_lost_node_is_told_as_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> int:
        raise InfrastructureError("the node is gone")

    monkeypatch.setattr(world.node, "run", gone)
    assert world.ask(op="run", command="true") == {"lost": "the node is gone"}


def test_events_are_heard(world: World) -> None:
    assert world.ask(op="event", kind="task", line="TASK [a]") == {}
    assert world.heard == [{"op": "event", "kind": "task", "line": "TASK [a]"}]


def test_its_end_ends_what_runs_on_the_node(tmp_path: Path) -> None:
    world = World(tmp_path)
    began = time.monotonic()
    with world.bridge:
        asking = threading.Thread(target=world.ask, kwargs={"op": "run", "command": "touch begun; sleep 600"})
        asking.start()
        while not (tmp_path / "node/begun").exists():
            time.sleep(0.01)
    asking.join(30)
    assert not asking.is_alive() and time.monotonic() - began < 30


def test_a_build_that_is_stopped_is_not_held_up(tmp_path: Path) -> None:
    world, stop = World(tmp_path), Stop()
    with pytest.raises(Stopped), stoppable(stop), world.bridge:
        assert world.ask(op="run", command="true")["status"] == 0
        stop.ask()
        stop.check()
