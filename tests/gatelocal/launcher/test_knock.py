"""The connection that ssh is given when its server is there, and the wait for the end of a process; both real."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.launcher import connection, guard, knock, place
from tests.patience import LONG


def _serve(server: socket.socket, *greetings: bytes) -> threading.Thread:
    """Greet one after another, and say back what the last one sends."""

    def serve() -> None:
        for greeting in greetings:
            link, _ = server.accept()
            with link, contextlib.suppress(OSError):
                link.sendall(greeting)
                if greeting.startswith(b"SSH-"):
                    link.sendall(link.recv(100))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_the_connection_of_the_first_that_speaks_ssh_is_handed_over_unread() -> None:
    ours, its = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server, ours:
        thread = _serve(server, b"", b"HTTP", b"SSH-2.0-x\r\n")
        argv = [sys.executable, "-I", "-S", knock.__file__, "127.0.0.1", str(server.getsockname()[1]), "30"]
        with its:
            child = subprocess.Popen(argv, stdout=its)
        _, handles, _, _ = socket.recv_fds(ours, 1, 1)
        assert child.wait(LONG) == 0
        with socket.socket(fileno=handles[0]) as link:
            assert link.recv(11) == b"SSH-2.0-x\r\n"
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            link.sendall(b"here")
            assert link.recv(4) == b"here"
        thread.join(LONG)


def test_when_nobody_answers_that_is_said() -> None:
    argv = [sys.executable, "-I", "-S", knock.__file__, "127.0.0.1", str(connection.free_port()), "0.2"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LONG)
    assert (done.returncode, done.stderr.strip()) == (1, knock.NOBODY)


@pytest.mark.live
def test_a_node_that_never_answers_is_no_node_that_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".bashrc").write_text("echo hello; sleep 600\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("SHLVL", "0")  # as where no shell has started this
    folder, record = place.create(tmp_path, "nspawn", "x")
    (folder / "known_hosts").touch()
    port = connection.free_port()
    connection.write_configuration(folder, record.name, port)
    node = connection.SshNode(folder, record)
    with pytest.raises(TimeoutError, match="no ssh server answered within"):
        node.connect(0.3, port)
    node.close()


def test_a_guard_waits_for_that_very_process() -> None:
    other = subprocess.Popen(["sleep", "60"])
    name = place.name_of(other.pid)
    assert name is not None
    guard.wait(other.pid, name.started - 1)
    threading.Timer(0.2, other.kill).start()
    began = time.monotonic()
    guard.wait(other.pid, name.started)
    assert 0.1 < time.monotonic() - began < LONG
    other.wait()
    guard.wait(other.pid, name.started)


def test_a_guard_whose_sweeper_cannot_be_loaded_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "gatelocal/launcher").mkdir(parents=True)
    for folder in ("gatelocal", "gatelocal/launcher"):
        (tmp_path / folder / "__init__.py").touch()
    program = tmp_path / "gatelocal/launcher/sweeper.py"
    program.write_text("import not_there_yet")
    said = f"import pathlib, sys; pathlib.Path({str(tmp_path)!r}, 'said').write_text(sys.argv[1])"
    threading.Timer(0.3, program.write_text, [said]).start()
    guard.have_returned(str(tmp_path / "node"), ["the node"], 0.05)
    assert (tmp_path / "said").read_text() == "the node"
    program.write_text("import not_there_yet")
    (tmp_path / "node").rmdir()
    guard.have_returned(str(tmp_path / "node"), ["the node"], 60.0)


def test_a_guard_starts_the_sweeper_which_returns_the_node(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "x")
    gone = replace(record, owner=place.ProcessName(1 << 30, 1))
    place.write(folder, gone)
    argv = [sys.executable, "-I", "-S", guard.__file__, str(folder), str(1 << 30), "1"]
    subprocess.run(argv, check=True, timeout=LONG, env=dict(os.environ), cwd="/")
    assert not folder.exists()
