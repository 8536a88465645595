"""The plugin for Gerrit's tab "Checks", as the gate serves it, and who may read the gate's interface from there."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

PATH = "/gerrit-checks.js"
_FILE = Path(__file__).with_name("checks.js")
_GATE = '"%GATE%"'


async def script(request: Request) -> Response:
    """The plugin: one file, which speaks to the address that it was asked for at."""
    address = json.dumps(str(request.base_url)).replace("<", "\\u003c")
    text = _FILE.read_text(encoding="utf-8").replace(_GATE, address)
    return Response(text, media_type="text/javascript", headers={"X-Content-Type-Options": "nosniff"})


def allow(request: Request, response: Response, gerrit: str) -> None:
    """Let the pages of the gate's own Gerrit, and no others, read an answer. :param gerrit: its URL."""
    parts = urlsplit(gerrit)
    origin = f"{parts.scheme}://{parts.netloc}"
    response.headers["Vary"] = "Origin"
    if request.headers.get("origin") == origin:
        response.headers["Access-Control-Allow-Origin"] = origin
