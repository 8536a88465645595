"""What the engine may rely on of any node, over every provider."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError
from gatelocal.launcher.pool import launcher
from gatelocal.ports import Node
from tests.patience import LONG

pytestmark = pytest.mark.live  # more seconds than the fast suite has

_NODES = (
    pytest.param("local"),
    pytest.param("nspawn", marks=(pytest.mark.live, pytest.mark.nspawn)),
    pytest.param("qemu", marks=(pytest.mark.live, pytest.mark.qemu)),
)


@pytest.fixture(scope="module", params=_NODES)
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    kind: str = request.param
    runtime = tmp_path_factory.mktemp("runtime of nodes")
    node = launcher(kind, directories(os.environ).cache, runtime).launch(None, print)
    yield node
    node.close()
    node.close()
    assert list(runtime.iterdir()) == []
    with pytest.raises(InfrastructureError):
        node.run(["true"])


def test_description_says_how_it_is_isolated(node: Node) -> None:
    assert any(word in node.description for word in ("NO ISOLATION", "container", "virtual machine"))


def test_status_and_both_streams_in_their_order(node: Node) -> None:
    lines: list[str] = []
    status = node.run(["sh", "-c", "echo one; echo two >&2; echo three; exit 7"], on_line=lines.append)
    assert (status, lines) == (7, ["one", "two", "three"])


def test_a_programs_own_255_is_not_a_lost_node(node: Node) -> None:
    assert node.run(["sh", "-c", "exit 255"]) == 255


def test_words_arrive_as_they_are(node: Node) -> None:
    lines: list[str] = []
    words = ["a b", "$(id)", "`id`", "'", '"', "*", "ü", "", "-n", "; id", "\\n"]
    variables = {"GREETING": "two words; $HOME 'x'"}
    script = 'for word; do printf "<%s>\\n" "$word"; done; printf "%s\\n" "$GREETING"'
    assert node.run(["sh", "-c", script, "sh", *words], environment=variables, on_line=lines.append) == 0
    assert lines == [*(f"<{word}>" for word in words), variables["GREETING"]]


@pytest.mark.live
def test_a_line_is_as_long_as_somebody_wants_it(node: Node) -> None:
    lines: list[str] = []
    node.run(["sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x"], on_line=lines.append, longest=1 << 20)
    assert lines == ["x" * 200_000]


def test_lines_come_while_the_program_runs(node: Node) -> None:
    seen: list[float] = []
    node.run(["sh", "-c", "echo first; sleep 1; echo second"], on_line=lambda line: seen.append(time.monotonic()))
    assert seen[1] - seen[0] > 0.5


def test_a_program_starts_at_home_or_where_it_is_told(node: Node) -> None:
    lines: list[str] = []
    assert node.run(["pwd"], on_line=lines.append) == 0
    assert node.run(["pwd"], directory="/usr", on_line=lines.append) == 0
    assert lines == [node.home, "/usr"]


@pytest.mark.parametrize(("argv", "directory"), [(["no-such-program"], None), (["true"], "/no such folder")])
def test_what_is_not_there_is_the_programs_failure(node: Node, argv: list[str], directory: str | None) -> None:
    assert node.run(argv, directory=directory) == 127


@pytest.mark.live
def test_time_limit_ends_all_that_was_started(node: Node) -> None:
    # A duration that no other process of this machine sleeps, since a local node shares its process list.
    duration = f"9{os.getpid()}"
    script = f"setsid sleep {duration} & sleep {duration}; echo never"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        node.run(["sh", "-c", script], timeout=2)
    assert time.monotonic() - began < LONG
    assert node.run(["pgrep", "-x", "-f", f"sleep {duration}"]) == 1


def test_folders_travel_there_and_back(node: Node, tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    (tree / "sub dir").mkdir(parents=True)
    (tree / "sub dir/-file ü").write_bytes(bytes(range(256)) * 100)
    (tree / "run").write_text("#!/bin/sh\necho ran\n")
    (tree / "run").chmod(0o755)
    (tree / "link").symlink_to("run")
    remote = f"{node.home}/src/deep er/tree"
    node.put(tree, remote)
    lines: list[str] = []
    assert node.run(["./link"], directory=remote, on_line=lines.append) == 0
    assert lines == ["ran"]
    back = tmp_path / "back"
    back.mkdir()
    assert node.get(remote, back)
    assert (back / "tree/sub dir/-file ü").read_bytes() == bytes(range(256)) * 100
    assert (back / "tree/link").readlink() == Path("run")
    assert os.access(back / "tree/run", os.X_OK)
    assert node.get(f"{remote}/run", tmp_path)
    assert (tmp_path / "run").read_text().endswith("echo ran\n")


def test_put_overwrites_nothing(node: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    node.put(tmp_path, f"{node.home}/once")
    with pytest.raises(InfrastructureError):
        node.put(tmp_path, f"{node.home}/once")


def test_what_is_not_there_is_not_fetched(node: Node, tmp_path: Path) -> None:
    assert node.get(f"{node.home}/nothing", tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_shell_for_a_person(node: Node) -> None:
    argv = node.shell_argv(node.home)
    # Without a terminal the same command line reads its commands from standard input.
    argv = tuple("-T" if word == "-t" else word for word in argv)
    done = subprocess.run(argv, input="pwd; exit 3\n", capture_output=True, text=True, timeout=LONG)  # noqa: PLW1510
    assert done.returncode == 3, shlex.join(argv)
    assert node.home in done.stdout


def test_tox_is_there(node: Node) -> None:
    lines: list[str] = []
    assert node.run(["tox", "--version"], on_line=lines.append) == 0
    assert any(line.startswith("4.") for line in lines)
