"""HTTP: requests → views and commands; who may do what; it knows no rule of the gate."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gatelocal.errors import GateError
from gatelocal.model.result import JOB_OUTPUT
from gatelocal.server import checks, metrics, openapi, page
from gatelocal.server.commands import Commands, Refused
from gatelocal.server.events import Events
from gatelocal.server.tokens import Tokens
from gatelocal.server.views import View
from gatelocal.store.builds import BuildRecord

_LARGEST, _EVENT = 1 << 16, 1 << 22  # bytes of a command, and of an event
_RATE, _WHILE = 60, 60.0  # commands of one token, or wrong tokens of one address, in so many seconds
_STEP = 0.25
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_FILE_HEADERS = {**_HEADERS, "Content-Security-Policy": "sandbox; default-src 'none'"}
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Api:
    """The application of one daemon."""

    view: View
    commands: Commands
    tokens: Tokens
    events: Events
    _rates: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def app(self) -> Starlette:
        """For a server."""
        posts = {
            "enqueue": lambda body: self.commands.enqueue(_number(body, "change"), _text(body, "pipeline")),
            "dequeue": lambda body: self.commands.dequeue(_number(body, "change"), _text(body, "pipeline", "")),
            "promote": lambda body: self.commands.promote(_numbers(body, "changes"), _text(body, "pipeline", "")),
            "pause": lambda body: self.commands.pause(_text(body, "queue"), paused=True),
            "resume": lambda body: self.commands.pause(_text(body, "queue"), paused=False),
            "hold": lambda body: self.commands.hold(
                _text(body, "project"), _text(body, "job"), _number(body, "change", 0), _number(body, "count", 1)
            ),
            "release": lambda body: self.commands.release(_text(body, "held")),
        }
        return Starlette(
            routes=[
                Route("/api/health", self.health),
                Route("/openapi.json", self.openapi),
                Route("/style.css", page.style),
                Route("/live.js", page.script),
                Route(checks.PATH, checks.script),
                *(
                    Route(path, self._reading(handler))
                    for path, handler in {
                        "/api/status": self.status,
                        "/api/why/{number}": self.why,
                        "/api/builds": self.builds,
                        "/api/builds/{id}": self.build,
                        "/api/builds/{id}/log": self.log,
                        "/api/builds/{id}/files/{path:path}": self.files,
                        "/api/held": self.held,
                        "/api/events": self.stream,
                        "/metrics": self.metrics,
                        "/": self.page,
                        "/builds/{id}": self.build_page,
                        "/changes/{number}": self.change_page,
                    }.items()
                ),
                Route("/webhooks/{word}", self.webhook, methods=["POST"]),
                *(Route(f"/api/{name}", self._posting(do), methods=["POST"]) for name, do in posts.items()),
            ],
            exception_handlers={HTTPException: _failed, Exception: _broken},
        )

    # ---- who may

    def _reading(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if await run_in_threadpool(lambda: self.tokens.closed):
                await self._allow(request, "read")
            answer = await handler(request)
            if request.url.path.startswith("/api/"):
                checks.allow(request, answer, self.view.daemon.parts.site.file.gerrit.url)
            return answer

        return guarded

    def _posting(self, do: Callable[[Mapping[str, object]], None]) -> Handler:
        async def posted(request: Request) -> Response:
            who = await self._allow(request, "operate")
            self._limit(f"token {who}")
            body = await _body(request)
            try:
                await run_in_threadpool(do, body)
            except Refused as refused:
                return _error(refused.status, refused.message, refused.hint)
            return JSONResponse({"recorded": True}, 202, headers=_HEADERS)

        return posted

    async def _allow(self, request: Request, right: str) -> str:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client is not None else ""
        if scheme.lower() != "bearer" or not bearer.strip():
            raise HTTPException(401, "this needs a token: Authorization: Bearer TOKEN")
        try:
            who = await run_in_threadpool(self.tokens.right, bearer.strip(), right, time.time())
        except PermissionError:
            raise HTTPException(403, f"this token does not allow to {right}") from None
        if who is None:
            self._limit(f"address {address}")
            raise HTTPException(401, "there is no such token, or its time is over")
        return who

    def _limit(self, who: str) -> None:
        now = time.monotonic()
        times = self._rates.setdefault(who, deque())
        self._rates.move_to_end(who)
        while len(self._rates) > 10_000:
            self._rates.popitem(last=False)
        while times and times[0] < now - _WHILE:
            times.popleft()
        if len(times) >= _RATE:
            raise HTTPException(429, f"more than {_RATE} in {_WHILE:.0f} s")
        times.append(now)

    async def webhook(self, request: Request) -> Response:
        """What a Gerrit says by itself, to an address with a secret word; nothing of it is believed."""
        parts, word = self.view.daemon.parts, request.path_params["word"]
        known = parts.site.webhook
        if not known or not hmac.compare_digest(known.encode(), word.encode("utf-8", "surrogateescape")):
            self._limit(f"address {request.client.host if request.client is not None else ''}")
            raise HTTPException(404, "there is no such page")
        parts.watcher.hear((await _whole(request, _EVENT)).decode("utf-8", "replace"))
        return Response(status_code=204, headers=_HEADERS)

    # ---- reading

    async def health(self, _: Request) -> Response:
        """Whether it can do its work."""
        reasons = await run_in_threadpool(self.view.daemon.troubles)
        if reasons:
            return JSONResponse({"ok": False, "reasons": list(reasons)}, 503, headers=_HEADERS)
        return JSONResponse({"ok": True}, headers=_HEADERS)

    async def openapi(self, _: Request) -> Response:
        """The description of all this."""
        return JSONResponse(openapi.description(), headers=_HEADERS)

    async def status(self, _: Request) -> Response:
        """The queues."""
        return JSONResponse(await run_in_threadpool(self.view.status), headers=_HEADERS)

    async def why(self, request: Request) -> Response:
        """What a change waits for."""
        number = _digits(request.path_params["number"])
        found = await run_in_threadpool(self.view.why, number)
        if found is None:
            raise HTTPException(404, f"change {number} is not known")
        return JSONResponse(found, headers=_HEADERS)

    async def builds(self, request: Request) -> Response:
        """The history."""
        try:
            found = await run_in_threadpool(self.view.builds, dict(request.query_params))
        except (ValueError, OverflowError):
            raise HTTPException(400, "limit and before are numbers") from None
        return JSONResponse(found, headers=_HEADERS)

    async def build(self, request: Request) -> Response:
        """One build."""
        record = await self._record(request)
        return JSONResponse(await run_in_threadpool(self.view.whole, record), headers=_HEADERS)

    async def log(self, request: Request) -> Response:
        """Its log, to its end as it grows where that is asked for."""
        record = await self._record(request)
        if not record.folder:
            raise HTTPException(404, "this build has no log yet")
        path = Path(record.folder) / JOB_OUTPUT
        if request.query_params.get("follow") in ("1", "true"):
            return StreamingResponse(self._follow(record.id, path), media_type="text/plain", headers=_FILE_HEADERS)
        if not path.is_file():
            return PlainTextResponse("", headers=_FILE_HEADERS)
        return file(record, path, "text/plain")

    async def _follow(self, id: int, path: Path) -> AsyncIterator[bytes]:
        at = 0
        while True:
            record = await run_in_threadpool(self.view.daemon.parts.builds.get, id)
            over = record is None or record.state == "done"
            while piece := await run_in_threadpool(_piece, path, at):
                at += len(piece)
                yield piece
            if over:
                return
            await asyncio.sleep(_STEP)

    async def files(self, request: Request) -> Response:
        """What a build has left."""
        record = await self._record(request)
        name = request.path_params["path"]
        roots = [Path(record.folder), Path(record.folder).parent] if record.folder else []
        for root in roots:
            path = root / name
            if await run_in_threadpool(_inside, root, path):
                return file(record, path, _media(path))
            if name != "recipe.yaml":  # it lies beside the folders of all builds of its preparation
                break
        raise HTTPException(404, "there is no such file")

    async def held(self, _: Request) -> Response:
        """The nodes that are kept."""
        return JSONResponse(await run_in_threadpool(self.view.held), headers=_HEADERS)

    async def stream(self, _: Request) -> Response:
        """Server-sent events."""
        return StreamingResponse(self.events.stream(), media_type="text/event-stream", headers=_HEADERS)

    async def metrics(self, _: Request) -> Response:
        """For Prometheus."""
        text = await run_in_threadpool(metrics.text, self.view.daemon)
        return PlainTextResponse(text, media_type=metrics.MEDIA_TYPE, headers=_HEADERS)

    # ---- for people

    async def page(self, _: Request) -> Response:
        """All queues."""
        found = await run_in_threadpool(lambda: page.status(self.view.status(), self.view.daemon.troubles()))
        return HTMLResponse(found, headers=_HEADERS)

    async def build_page(self, request: Request) -> Response:
        """One build."""
        record = await self._record(request)
        thought = await run_in_threadpool(self.view.thought, record)
        return HTMLResponse(page.build(self.view.build(record), thought), headers=_HEADERS)

    async def change_page(self, request: Request) -> Response:
        """One change, with its builds."""
        number = _digits(request.path_params["number"])
        found = await run_in_threadpool(self.view.why, number)
        if found is None:
            raise HTTPException(404, f"change {number} is not known")
        builds = await run_in_threadpool(self.view.builds, {"change": str(number)})
        return HTMLResponse(page.change(found, builds["builds"]), headers=_HEADERS)

    async def _record(self, request: Request) -> BuildRecord:
        id = _digits(request.path_params["id"])
        found = await run_in_threadpool(self.view.daemon.parts.builds.get, id)
        if found is None:
            raise HTTPException(404, f"there is no build {id}")
        return found


def file(record: BuildRecord, path: Path, media: str | None) -> Response:
    """A file as it is now. Of one that may grow meanwhile no length is promised."""
    if record.state == "done":
        return FileResponse(path, headers=_FILE_HEADERS, media_type=media)
    size = path.stat().st_size if path.exists() else 0
    return StreamingResponse(_so_far(path, size), headers=_FILE_HEADERS, media_type=media)


async def _so_far(path: Path, size: int) -> AsyncIterator[bytes]:
    at = 0
    while piece := (await run_in_threadpool(_piece, path, at))[: size - at]:
        at += len(piece)
        yield piece


def _piece(path: Path, at: int) -> bytes:
    try:
        with path.open("rb") as opened:
            opened.seek(at)
            return opened.read(_LARGEST)
    except OSError:
        return b""


def _inside(root: Path, path: Path) -> bool:
    """Whether that is a file below the folder, whatever links lead there; what begins with a dot is ours."""
    try:
        real = path.resolve(strict=True)
        below = real.relative_to(root.resolve(strict=True))
    except (OSError, ValueError, RuntimeError):
        return False
    return real.is_file() and not any(part.startswith(".") for part in below.parts)


def _media(path: Path) -> str:
    """Nothing that a build has left is shown as a page of ours."""
    return (
        "text/plain"
        if path.suffix in (".txt", ".log", ".yaml", ".json", ".xml", ".html")
        else "application/octet-stream"
    )


async def _whole(request: Request, most: int) -> bytes:
    pieces = bytearray()
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > most:
            raise HTTPException(400, "the body is too long")
    return bytes(pieces)


async def _body(request: Request) -> Mapping[str, object]:
    try:
        found = json.loads(await _whole(request, _LARGEST))
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "the body is no object")
    return found


def _number(body: Mapping[str, object], key: str, default: int | None = None) -> int:
    if key not in body and default is not None:
        return default
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 53:
        raise Refused(400, f"{key}: a number is wanted")
    return value


def _numbers(body: Mapping[str, object], key: str) -> list[int]:
    value = body.get(key)
    if not isinstance(value, list):
        raise Refused(400, f"{key}: a list of numbers is wanted")
    return [_number({key: one}, key) for one in value]


def _text(body: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = body.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise Refused(400, f"{key}: a name is wanted")
    return value


def _digits(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise HTTPException(404, "there is no such number")
    return int(text)


def _error(status: int, message: str, hint: str = "", more: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "hint": hint}}, status, headers={**_HEADERS, **(more or {})})


async def _failed(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _error(500, "a mistake in this program")
    return _error(error.status_code, str(error.detail), more=error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    if isinstance(error, GateError):
        return _error(503, error.brief, error.hint)
    return _error(500, "a mistake in this program")
