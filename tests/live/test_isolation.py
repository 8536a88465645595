"""What a node can reach of its host and of other nodes, tried from inside as root; the list of attempts is printed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import capacity, limits
from gatelocal.launcher.pool import launcher
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.label import Labels, Sizing
from gatelocal.ports import Node

pytestmark = pytest.mark.live

_KINDS = (pytest.param("nspawn", marks=pytest.mark.nspawn), pytest.param("qemu", marks=pytest.mark.qemu))
_PROBE = Path(__file__).with_name("probe.py").read_text()
_SMALL: Labels = replace(BUILT_IN, sizings=(Sizing(("*",), disk=2, memory=1024),))
_HOG = "x = []\nwhile True: x.append(b'x' * (16 << 20))"
_BOMB = "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.01)"
_SECONDS = 60.0  # a machine that does nothing for so long does not work


@pytest.fixture(params=_KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _tell(*lines: str) -> None:
    print(*lines, sep="\n  ")  # noqa: T201 - what was tried is to be read


@contextmanager
def _started(kind: str, runtime: Path) -> Iterator[Node]:
    node = launcher(kind, directories(os.environ).cache, runtime, _SMALL).launch(None, print)
    try:
        yield node
    finally:
        node.close()


@contextmanager
def _running(*argv: str) -> Iterator[None]:
    child = subprocess.Popen(argv)
    try:
        yield
    finally:
        child.kill()
        child.wait()


@contextmanager
def _answering(server: socket.socket, answer: bytes) -> Iterator[None]:
    """Whoever connects gets that answer."""
    server.settimeout(0.2)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                link, _ = server.accept()
            except TimeoutError:
                continue
            with link:
                link.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """A word that is in this process's environment when nodes are made."""
    word = secrets.token_hex(16)
    monkeypatch.setenv("GERRIT_PASSWORD", word)
    return word


def test_what_is_tried_from_inside_is_refused(kind: str, tmp_path: Path, secret: str) -> None:
    token = tmp_path / "token"
    token.write_text(secret)
    word = f"3{secrets.randbelow(10**8):08}"
    with (
        socket.create_server(("127.0.0.1", 0)) as service,
        socket.socket(socket.AF_UNIX) as abstract,
        _running("sleep", word),
        _started(kind, tmp_path / "nodes") as node,
    ):
        name = f"gatelocal-test-{secrets.token_hex(4)}"
        abstract.bind(f"\0{name}")
        abstract.listen()
        ssh = Path(tmp_path / "nodes" / node.name / "ssh_config").read_text()
        facts = {
            "files": [str(token), str(tmp_path / "nodes" / node.name / "key")],
            "ports": {
                "the host's service": service.getsockname()[1],
                "a node's ssh": int(ssh.split("Port ")[1].split()[0]),
            },
            "abstract": name,
            "processes": [each[::-1] for each in (word, "systemd-nspawn", "qemu-system")],
            "secret": secret[::-1],
            "folders": [str(tmp_path), ".cache", "/nodes/"],
            "device": Path("/").stat().st_dev,
            "own_kernel": kind == "qemu",
        }
        lines: list[str] = []
        with _answering(service, secret.encode()), _answering(abstract, secret.encode()):
            with socket.create_connection(service.getsockname()) as link:
                assert link.recv(64) == secret.encode(), "the host's own way in works"
            argv = ["sudo", "python3", "-c", _PROBE, json.dumps(facts)]
            status = node.run(argv, on_line=lines.append, timeout=600)
    _tell(f"tried from inside of a node of the kind {kind}, as root:", *lines)
    reached = [line for line in lines if not line.startswith("refused ")]
    assert status == 0 and not reached, reached
    assert len(lines) >= (20 if kind == "qemu" else 45)


@contextmanager
def _works(node: Node) -> Iterator[None]:
    """While the block runs and after it, this machine and another node do what they are asked for."""
    failures: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            began = time.monotonic()
            subprocess.run(["true"], check=True)
            lines: list[str] = []
            script = "dd if=/dev/zero of=file bs=1M count=8 status=none && sync && rm file && echo well"
            node.run(["sh", "-c", script], on_line=lines.append, timeout=_SECONDS)
            if lines != ["well"] or time.monotonic() - began > _SECONDS:
                failures.append(f"{lines} after {time.monotonic() - began:.0f} s")
            done.wait(0.5)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert not failures


@pytest.fixture
def pair(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Node, Node]]:
    """Two nodes, small ones."""
    monkeypatch.setattr(limits, "_CONTAINER_MEMORY", 1 << 30)
    with _started(kind, tmp_path / "nodes") as one, _started(kind, tmp_path / "nodes") as other:
        yield one, other


@pytest.mark.skipif(
    not os.environ.get("GATELOCAL_TEST_HOSTILE"),
    reason="slows down all else on the machine for a minute: GATELOCAL_TEST_HOSTILE=1 runs it",
)
def test_a_node_that_takes_all_it_can_get_leaves_the_rest_alone(pair: tuple[Node, Node], tmp_path: Path) -> None:
    """One after the other in one node: a full disk, a memory hog, a fork bomb."""
    bad, other = pair
    free = shutil.disk_usage(tmp_path).free
    memory = capacity.memory(Path("/proc/meminfo"))
    with _works(other):
        lines: list[str] = []
        assert bad.run(["dd", "if=/dev/zero", "of=big", "bs=1M"], on_line=lines.append, timeout=600) != 0
        assert any("No space left" in line for line in lines), lines
        taken = free - shutil.disk_usage(tmp_path).free
        _tell(f"a full disk: the host has {taken / (1 << 30):.1f} GiB less")
        assert taken < 6 << 30, "others use this disk, too"
        assert bad.run(["rm", "big"]) == 0

        assert bad.run(["python3", "-c", _HOG], timeout=600) in (137, -9, 1)
        lost = memory - capacity.memory(Path("/proc/meminfo"))
        _tell(f"a memory hog was ended; the host has {lost:.1f} GiB less")

        with pytest.raises((TimeoutError, InfrastructureError)):  # it may take the node's own way in with it
            bad.run(["timeout", "-s", "KILL", "60", "python3", "-c", _BOMB], timeout=10)
        count = len(list(Path("/proc").glob("[0-9]*")))
        _tell(f"a fork bomb of ten seconds: the host has {count} processes")
        assert count < 2 * limits.TASKS + 1000
    assert other.run(["true"]) == 0
