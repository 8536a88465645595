"""What is told of failing tests while others run: by a real follower over files as the witness writes them."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from gatelocal.executor import live
from gatelocal.executor.live import failures
from tests.fakes.node import FolderNode
from tests.patience import until


class Bench:
    """A node, its folder of the witness's files, and what was told."""

    def __init__(self, tmp_path: Path) -> None:
        self.node = FolderNode(tmp_path / "node")
        self.streams = tmp_path / "out" / "streams"
        self.streams.mkdir(parents=True)
        self.told: list[str] = []

    def write(self, *lines: object, name: str = "1-pytest-9", end: str = "\n") -> None:
        with (self.streams / f"{name}.jsonl").open("a") as file:
            file.write("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines) + end)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def ended(test: str, status: str) -> dict[str, object]:
    return {"test": test, "status": status, "seconds": 0.1, "details": "x"}


def test_a_failure_is_told_at_once_and_once(bench: Bench) -> None:
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        bench.write({"tool": "pytest", "env": "py3"}, ended("tests/test_a.py::T::test_good", "success"))
        bench.write(ended("tests/test_a.py::T::test_bad[1.5]", "fail"))
        assert until(lambda: bench.told)
        bench.write({"tool": "stestr", "env": ""}, {"done": "a.T.test_x", "status": "fail"}, name="2-stestr-9")
        bench.write(ended("tests/test_a.py::T::test_bad[1.5]", "fail"), ended("t.py::test_skip", "skip"))
        assert until(lambda: len(bench.told) == 2)
    assert bench.told == ["failed: tests.test_a.T.test_bad[1.5]", "failed: a.T.test_x"]


def test_what_comes_right_before_the_end_is_told_too(bench: Bench) -> None:
    with failures(bench.node, str(bench.streams), bench.told.append, 60.0):
        bench.write({"tool": "stestr", "env": ""}, {"done": "a", "status": "uxsuccess"}, {"done": "b"})
    assert bench.told == ["failed: a"]


def test_a_line_that_is_not_whole_yet_waits_for_its_end(bench: Bench) -> None:
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        bench.write({"tool": "stestr", "env": ""}, '{"done": "a", "sta', end="")
        time.sleep(0.3)
        bench.write('tus": "fail"}')
    assert bench.told == ["failed: a"]


def test_what_makes_no_sense_is_passed_over(bench: Bench) -> None:
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        bench.write("no json", [1], "[" * 5000, {"status": "fail"}, {"done": {"a": 1}, "status": "fail"}, "\x00")
        bench.write({"done": "x" * 3000, "status": "fail"})
    assert bench.told == [f"failed: {'x' * 500}"]


def test_of_very_many_it_is_told_that_there_are_more(bench: Bench) -> None:
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        bench.write(*({"done": f"t{number}", "status": "fail"} for number in range(100)))
    assert len(bench.told) == live.MOST + 1 and bench.told[-1] == "more tests have failed"


def test_a_folder_that_the_tests_remove_keeps_nobody_waiting(bench: Bench) -> None:
    began = time.monotonic()
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        shutil.rmtree(bench.streams.parent)
    assert time.monotonic() - began < live._TIDYING
    with failures(bench.node, str(bench.streams), bench.told.append, None):
        pass
    assert bench.told == []


def test_the_tests_own_end_passes_as_it_is(bench: Bench) -> None:
    with (
        pytest.raises(TimeoutError, match="mine"),
        failures(bench.node, str(bench.streams), bench.told.append, None),
    ):
        raise TimeoutError("mine")
