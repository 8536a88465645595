"""What tools/try does when the node that it wants cannot be had; the road itself is in the live suite."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(name="story", scope="module")
def _story() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demonstration", TOOLS / "demonstration.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules["demonstration"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Person:
    """Runs nothing: notes the kind of node of each run and gives the statuses that were prepared."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.kinds: list[str] = []

    def run(self, folder: Path, *argv: str) -> tuple[int, str]:
        self.kinds.append(argv[argv.index("--node") + 1])
        return self.statuses.pop(0), f"run {len(self.kinds)}"


@pytest.mark.parametrize("status", [6, 7])
def test_it_goes_on_without_isolation_and_says_so_loudly(
    story: ModuleType, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    nodes, person = story.Nodes("auto"), Person(status, 0, 1)
    assert nodes.gate(person, Path(), ok=0) == "run 2"
    assert nodes.gate(person, Path(), "1", ok=1) == "run 3"
    assert person.kinds == ["auto", "local", "local"]
    assert capsys.readouterr().out.count("WITHOUT ANY ISOLATION") == 1


@pytest.mark.parametrize(("kind", "statuses"), [("auto", (1,)), ("nspawn", (6,)), ("auto", (6, 6)), ("auto", (130,))])
def test_another_verdict_and_a_node_that_was_asked_for_end_it(
    story: ModuleType, kind: str, statuses: tuple[int, ...]
) -> None:
    person = Person(*statuses)
    with pytest.raises(SystemExit, match="expected 0"):
        story.Nodes(kind).gate(person, Path(), ok=0)
    assert person.statuses == []


def test_an_image_that_was_asked_for_and_cannot_be_made_ends_it(story: ModuleType) -> None:
    with pytest.raises(SystemExit, match="way out"):
        story.Nodes("qemu").fall_back("the nodes' image could not be made")
