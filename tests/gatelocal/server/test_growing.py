"""A log is asked for while its build writes to it: each answer is whole, up to where the log was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatelocal.server import http
from gatelocal.server.api import file
from gatelocal.store.builds import BuildRecord


def record(state: str) -> BuildRecord:
    return BuildRecord(1, 1, 1, "unit", "unit", "check", "p", "1", 1, True, False, 0.0, state=state)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log.txt"
    path.write_text("line\n")
    over = threading.Event()

    def grow() -> None:
        while not over.is_set():
            with path.open("a") as opened:
                opened.write("line\n" * 20)
            time.sleep(0.0005)

    thread = threading.Thread(target=grow)
    thread.start()
    yield path
    over.set()
    thread.join()


def test_a_log_that_grows_is_given_as_it_was(log: Path) -> None:
    async def answer(_: Request) -> Response:
        return file(record("running"), log, "text/plain")

    page = http.listen("127.0.0.1", 0, "")
    page.serve(Starlette(routes=[Route("/", answer)]))
    try:
        with requests.Session() as session:
            sizes = []
            for _ in range(40):
                got = session.get(page.url, timeout=10)
                assert got.headers["Content-Type"].startswith("text/plain")
                assert set(got.text.splitlines()) == {"line"}
                sizes.append(len(got.content))
        assert sizes == sorted(sizes)
    finally:
        page.close()


def test_one_that_has_ended_has_a_length_and_can_be_had_in_parts(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("words")
    found = file(record("done"), tmp_path / "log.txt", "text/plain")
    assert "accept-ranges" in found.headers
