"""A host of the user's by a real ssh server on loopback: leased, used and left as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import entering, place
from gatelocal.launcher.pool import Pool, launcher
from gatelocal.ports import Node
from tests.patience import until

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

_OWNER = """
import sys
from pathlib import Path
from gatelocal.config.labels import labels
from gatelocal.launcher.pool import launcher
folder = Path(sys.argv[1])
node = launcher("static", folder / "cache", folder / "nodes", labels(folder)).launch("metal", lambda line: None)
print(node.home, flush=True)
node.run(["sh", "-c", "setsid sleep 97531 & sleep 97531"])
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Whose ssh server it is: a container, which is reached by a port of 127.0.0.1."""
    node = launcher("nspawn", directories(os.environ).cache, tmp_path_factory.mktemp("host")).launch(None, print)
    yield node
    node.close()


@pytest.fixture
def pool(machine: Node, tmp_path: Path) -> Pool:
    folder = Path(machine.shell_argv()[2]).parent
    told = dict(line.split(maxsplit=1) for line in (folder / "ssh_config").read_text().splitlines() if line.strip())
    key = (folder / "host_key.pub").read_text().rsplit(" ", 1)[0]
    (tmp_path / "labels.yaml").write_text(
        f"hosts:\n- {{address: 127.0.0.1, port: {told['Port']}, label: metal, host-key: {key}, key: {folder}/key}}\n"
    )
    return launcher("static", tmp_path / "cache", tmp_path / "nodes", labels(tmp_path))


def said(node: Node, *argv: str) -> list[str]:
    lines: list[str] = []
    assert node.run(argv, on_line=lines.append) == 0, lines
    return lines


def running(machine: Node) -> bool:
    return machine.run(["pgrep", "-x", "-f", "sleep 97531"]) == 0


def test_a_job_has_a_home_of_its_own_there_that_goes_with_it(pool: Pool, machine: Node, tmp_path: Path) -> None:
    node = pool.launch("metal", print)
    try:
        assert node.home.startswith("/home/zuul/gatelocal-127.0.0.1-")
        assert (node.disposable, "as the job before has left it" in node.description) == (False, True)
        assert said(node, "sh", "-c", 'pwd; echo "$HOME"') == [node.home, node.home]
        (tmp_path / "tree/deep").mkdir(parents=True)
        (tmp_path / "tree/deep/file").write_text("content")
        node.put(tmp_path / "tree", f"{node.home}/src")
        assert said(node, "cat", "src/deep/file") == ["content"]
        assert node.get(f"{node.home}/src/deep", tmp_path) and (tmp_path / "deep/file").read_text() == "content"
        assert node.run(["sh", "-c", "sudo mkdir kept; setsid sleep 97531 >/dev/null 2>&1 & exit 7"]) == 7
        assert running(machine)
        record = place.read(tmp_path / "nodes" / node.name)  # type: ignore[attr-defined]
        assert record is not None
        entering.check(tmp_path / "nodes" / record.name, record)
        argv = entering.argv(tmp_path / "nodes" / record.name, record, ("pwd",), {}, terminal=False)
        assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == f"{node.home}\n"
    finally:
        node.close()
    assert machine.run(["test", "-e", node.home]) == 1
    assert not running(machine)
    again = pool.launch("metal", print)
    again.close()
    assert again.home != node.home


def test_when_its_process_is_killed_the_host_is_left_as_it_was_and_free(
    pool: Pool, machine: Node, tmp_path: Path
) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    home = owner.stdout.readline().strip()
    assert home and until(lambda: running(machine))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert until(lambda: not list((tmp_path / "nodes").iterdir()))
    assert not running(machine)
    assert machine.run(["test", "-e", home]) == 1
    pool.launch("metal", print).close()


def test_another_host_key_than_the_tables_lets_nothing_through(pool: Pool, tmp_path: Path) -> None:
    text = (tmp_path / "labels.yaml").read_text()
    (tmp_path / "labels.yaml").write_text(text.replace("AAAAC3", "AAAAC4"))
    other = launcher("static", tmp_path / "cache", tmp_path / "nodes", labels(tmp_path))
    with pytest.raises(InfrastructureError, match="lets nobody in") as caught:
        other.launch("metal", print)
    assert "host-key" in caught.value.hint and not list((tmp_path / "nodes").iterdir())
