"""The way to a node's network: what is there and does not listen yet is waited for."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import network, place


def test_a_socket_that_does_not_listen_yet_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "network")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as link:
        server.bind(path)

        def listen() -> None:
            time.sleep(0.1)
            server.listen()

        thread = threading.Thread(target=listen)
        thread.start()
        network._reach(link, path)
        thread.join()
        assert link.getpeername() == path


def test_one_that_never_listens_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_PATIENCE", 0.05)
    path = str(tmp_path / "network")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as link:
        server.bind(path)
        with pytest.raises(InfrastructureError, match="does not answer"):
            network._reach(link, path)


class _Running:
    """A network that is up. :ivar pid: of this process, so that nothing is stopped in its place."""

    pid = 1

    def ended(self) -> int | None:
        return None


@pytest.mark.parametrize("taken", [0, 3, 10])
def test_a_port_that_somebody_has_taken_meanwhile_is_another_one(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, record = place.create(tmp_path, "nspawn", "x")
    (folder / "network").touch()
    asked: list[int] = []

    def ask(folder: Path, outside: int, inside: int) -> dict[str, object]:
        asked.append(outside)
        return {"error": {"desc": "bad request: add_hostfwd"}} if len(asked) <= taken else {"return": {"id": 1}}

    monkeypatch.setattr(network, "_ask", ask)
    monkeypatch.setattr(network.process, "spawn", lambda *_, **__: _Running())
    monkeypatch.setattr(place, "note_process", lambda folder, record, pid: record)
    if taken < 10:
        assert network.connect(folder, record, 1, 22)[0] == asked[-1] and len(asked) == taken + 1
    else:
        with pytest.raises(InfrastructureError, match="no loopback port") as caught:
            network.connect(folder, record, 1, 22)
        assert "add_hostfwd" in caught.value.details and "--node" in caught.value.hint


def test_a_network_that_does_not_start_shows_what_it_said(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "nspawn", "x")
    try:
        with pytest.raises(InfrastructureError, match="network did not start") as caught:
            network.connect(folder, record, 1 << 30, 22)  # there is no such process
    except process.ProgramMissing:
        pytest.skip("slirp4netns is not installed")
    assert caught.value.details and caught.value.hint
