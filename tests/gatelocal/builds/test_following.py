"""A build is followed, adopted and ended through its folder, whoever does its work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gatelocal.builds import following, worker
from gatelocal.builds import order as orders
from gatelocal.builds.folder import Final
from gatelocal.builds.following import Ears, Following
from gatelocal.builds.lease import holding, is_held
from gatelocal.errors import InfrastructureError
from gatelocal.launcher.nodeset import Gathered
from gatelocal.model.deviation import Deviation, Grade
from gatelocal.model.hold import Hold, Keep
from gatelocal.model.job import Job
from gatelocal.model.plan import Nodeset
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.ports import Node, Nodes, Say
from gatelocal.stopping import Stop, Stopped
from tests.fakes.builder import ThreadBuilder
from tests.fakes.node import FolderNode
from tests.gatelocal.builds.test_build_folder import order

pytestmark = pytest.mark.live  # more seconds than the fast suite has

SOON = 20.0


class Machines:
    """Nodes that are folders, and jobs that do as a test says."""

    def __init__(self, folder: Path, does: Callable[[Path], Outcome]) -> None:
        self.folder = folder
        self.does = does
        self.nodes: list[FolderNode] = []
        self.failing: InfrastructureError | None = None
        self.notes: tuple[str, ...] = ()

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        return Gathered(nodesets[0], (self.launch(nodesets[0].nodes[0].label or None, say),))

    def launch(self, label: str | None, say: Say) -> Node:
        if self.failing is not None:
            raise self.failing
        say(f"a node for {label}")
        home = self.folder / f"home{len(self.nodes)}"
        home.mkdir()
        self.nodes.append(FolderNode(home, notes=self.notes))
        return self.nodes[-1]

    def run(self, job: Job, project: str, node: Node, sources: object, logs: Path) -> BuildResult:
        (logs / "job-output.txt").write_text(f"2026-01-01 00:00:00.000000 | {'x' * 3000}\nno line of ours\n")
        lost = ("one stream broke",) if self.notes else ()
        return BuildResult(job.name, self.does(logs), 1.0, job.voting, logs=str(logs), notes=lost)


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.printed: list[str] = []
        self.ears = Ears(self.said.append, self.printed.append, self.said.append, lambda: self.said.append("begun"))


def ordered(tmp_path: Path, **other: object) -> Path:
    build = tmp_path / "run/unit"
    build.mkdir(parents=True)
    orders.write(build, order(trees=(), stored={}, work=str(tmp_path / "work"), gate=str(tmp_path / "gate"), **other))
    return build


def soon() -> float:
    return time.monotonic() + SOON


def test_from_node_to_result(tmp_path: Path) -> None:
    world, heard = Machines(tmp_path, lambda logs: Outcome.FAILURE), Heard()
    build = ordered(tmp_path)
    found = Following(build, ThreadBuilder(world, world).start(build), heard.ears)
    assert found.until(lambda: found.node, Stop(), soon())
    assert not found.ordered and not found.begun and found.final() is None
    found.go(9)
    assert found.until(found.final, Stop(), soon())
    final = found.final()
    assert final is not None and final.result.outcome is Outcome.FAILURE and final.begun and found.begun
    assert found.until(lambda: not found.lives, Stop(), soon())
    assert world.nodes[0].closed and heard.said[:2] == ["a node for debian", f"the folder {tmp_path}/home0"]
    assert "begun" in heard.said
    assert heard.printed == ["x" * 2000 + " ... (1000 more characters)"]
    assert list((tmp_path / "work").iterdir()) == []


def test_what_stands_in_for_the_node_is_in_the_result(tmp_path: Path) -> None:
    world, build = Machines(tmp_path, lambda logs: Outcome.SUCCESS), ordered(tmp_path)
    world.notes = ("debian-trixie stands in for ubuntu-noble",)
    found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
    found.go(9)
    assert found.until(found.final, Stop(), soon())
    final = found.final()
    assert final is not None and final.result.notes == ("one stream broke",)
    assert final.result.deviations == (Deviation("node", "debian-trixie stands in for ubuntu-noble"),)
    assert final.result.grade is Grade.SUBSTITUTED


def test_whoever_comes_next_knows_what_has_happened_and_hears_only_what_follows(tmp_path: Path) -> None:
    go_on = threading.Event()

    def does(logs: Path) -> Outcome:
        go_on.wait(SOON)
        return Outcome.SUCCESS

    world, heard = Machines(tmp_path, does), Heard()
    build = ordered(tmp_path)
    life = ThreadBuilder(world, world).start(build)
    first = Following(build, life, Heard().ears)
    first.go(9)
    assert first.until(lambda: first.begun, Stop(), soon())
    second = Following(build, life, heard.ears, known=True)
    assert (second.begun, second.ordered, bool(second.node), heard.said) == (True, True, True, [])
    go_on.set()
    assert second.until(second.final, Stop(), soon())


def test_an_end_that_is_asked_for_returns_the_node_and_leaves_no_result(tmp_path: Path) -> None:
    world = Machines(tmp_path, lambda logs: Outcome.SUCCESS)
    build = ordered(tmp_path)
    found, stop = Following(build, ThreadBuilder(world, world).start(build), Heard().ears), Stop()
    assert found.until(lambda: found.node, stop, soon())
    stop.ask()
    with pytest.raises(Stopped):
        found.until(found.final, stop, soon())
    assert world.nodes[0].closed and found.final() is None and not found.lives


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    world = Machines(tmp_path, lambda logs: Outcome.SUCCESS)
    build = ordered(tmp_path)
    found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
    with pytest.raises(TimeoutError):
        found.until(found.final, Stop(), time.monotonic() + 0.3)
    assert world.nodes[0].closed and not found.lives


def test_a_node_that_nobody_will_use_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.2)
    world = Machines(tmp_path, lambda logs: Outcome.SUCCESS)
    build = ordered(tmp_path)
    with holding(tmp_path / "gate"):
        assert is_held(tmp_path / "gate")
        found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
        assert found.until(lambda: found.node, Stop(), soon())
        time.sleep(1.0)
        assert found.lives  # whoever gave the order is there
    assert not found.until(found.final, Stop(), soon())
    assert world.nodes[0].closed and not is_held(tmp_path / "gate") and not is_held(tmp_path / "nothing")


def test_no_node_is_a_result_with_its_reason(tmp_path: Path) -> None:
    world = Machines(tmp_path, lambda logs: Outcome.SUCCESS)
    world.failing = InfrastructureError("no machine", hint="get one")
    build = ordered(tmp_path)
    found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
    assert found.until(lambda: found.node or found.final(), Stop(), soon())
    final: Final | None = found.final()
    assert final is not None and final.refusal is not None and not final.begun
    assert (final.result.outcome, final.result.reason) == (Outcome.NODE_FAILURE, "no machine (get one)")
    assert isinstance(final.refusal.error, InfrastructureError)


def test_only_one_of_several_builds_keeps_its_node(tmp_path: Path) -> None:
    world = Machines(tmp_path, lambda logs: Outcome.FAILURE)
    for name in ("one", "two"):
        build = ordered(tmp_path / name, claim=str(tmp_path / "claim"), keep=Keep(Hold.FAILURE))
        found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
        found.go(1)
        assert found.until(found.final, Stop(), soon())
        assert found.until(lambda: not found.lives, Stop(), soon())  # noqa: B023
    assert [(node.held, node.closed) for node in world.nodes] == [(True, False), (False, True)]


def test_a_node_that_cannot_be_kept_costs_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> float:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FolderNode, "hold", full)
    world, heard = Machines(tmp_path, lambda logs: Outcome.FAILURE), Heard()
    build = ordered(tmp_path, claim=str(tmp_path / "claim"), keep=Keep(Hold.FAILURE))
    found = Following(build, ThreadBuilder(world, world).start(build), heard.ears)
    found.go(1)
    assert found.until(lambda: not found.lives, Stop(), soon()) or not found.lives
    final = found.final()
    assert final is not None and final.result.outcome is Outcome.FAILURE and world.nodes[0].closed
    assert any("cannot be kept" in line and "No space" in line for line in heard.said)


def test_torn_lines_and_a_process_that_never_was_are_no_trouble(tmp_path: Path) -> None:
    build = ordered(tmp_path)
    assert following.found(build) is None
    (build / "process.json").write_text('{"format": 1, "value": {"$": "ProcessName", "pid": 1, "started": 7}}')
    assert following.found(build) is None
    heard = Heard()
    (build / "progress.jsonl").write_text('{"say": "one"}\n{"say": "to\n[]\n{"say": "two"}\n{"say": "half')
    found = Following(build, None, heard.ears)
    assert not found.until(found.final, Stop(), soon())
    assert heard.said == ["one", "two"]


def test_trees_here_are_gone_when_the_node_has_them(tmp_path: Path) -> None:
    seen: list[list[Path]] = []

    def does(logs: Path) -> Outcome:
        seen.append(list((tmp_path / "work").iterdir()))
        return Outcome.SUCCESS

    world = Machines(tmp_path, does)
    build = ordered(tmp_path, job=Job("unit", family="tox"))
    found = Following(build, ThreadBuilder(world, world).start(build), Heard().ears)
    found.go(9)
    assert found.until(found.final, Stop(), soon()) and seen == [[]]
