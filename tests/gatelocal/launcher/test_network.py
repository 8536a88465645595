"""The way to a node's network: what is there and does not listen yet is waited for."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import network


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
