"""The plugin for Gerrit's tab "Checks": whom it speaks to, and whose pages may read the answers."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gatelocal.server import checks


def asked(**headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    place = {"scheme": "http", "server": ("h", 80), "path": "/api/builds", "query_string": b"", "root_path": ""}
    return Request({"type": "http", "method": "GET", "headers": raw, **place})


def test_it_speaks_to_the_address_that_it_was_fetched_from() -> None:
    text = bytes(asyncio.run(checks.script(asked(host="gate.example.org:81"))).body).decode()
    assert 'const gate = "http://gate.example.org:81/";' in text
    assert "%GATE%" not in text
    evil = bytes(asyncio.run(checks.script(asked(host='x";alert(1)//<script>'))).body).decode()
    assert '\\";alert(1)' in evil or "alert(1)" not in evil
    assert "<script>" not in evil


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("https://review.example.org:8443", True),
        ("https://review.example.org", False),
        ("http://review.example.org:8443", False),
        ("https://review.example.org:8443.evil.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_the_pages_of_its_own_gerrit_alone_may_read_the_answers(origin: str, may: bool) -> None:
    answer = Response()
    checks.allow(asked(origin=origin), answer, "https://review.example.org:8443/r/")
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    assert answer.headers["Vary"] == "Origin"
