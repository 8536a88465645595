"""The description of the daemon's HTTP, as OpenAPI; the requests themselves are answered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1}
_NUMBER: Json = {"type": "integer", "minimum": 1}
_MAYBE: Json = {"type": ["string", "null"]}
_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "object", "properties": {"message": _TEXT, "hint": _TEXT}}},
}
_FAILURES = {
    400: "bad input",
    401: "no token",
    403: "not allowed",
    404: "not there",
    409: "it cannot be",
    429: "too many",
}


def description() -> Json:
    """All of it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "gatelocal serve", "version": "1"},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR, "Build": _object(_BUILD), "Change": {"type": "object"}},
        },
        "paths": {
            "/api/health": {"get": _get("Whether it can do its work", also={503: "it cannot: reasons"})},
            "/api/status": {"get": _get("All queues, live items in their order")},
            "/api/why/{number}": {"get": _get("What a change waits for", path=("number",))},
            "/api/builds": {"get": _get("The history, newest first", query=_QUERY)},
            "/api/builds/{id}": {"get": _get("One build", path=("id",))},
            "/api/builds/{id}/log": {
                "get": _get("Its log", path=("id",), query={"follow": {"type": "string"}}, kind=_PLAIN)
            },
            "/api/builds/{id}/files/{path}": {"get": _get("What it left", path=("id", "path"), kind=_PLAIN)},
            "/api/held": {"get": _get("The nodes that are kept")},
            "/api/events": {"get": _get("What changes, as server-sent events", kind="text/event-stream")},
            "/metrics": {"get": _get("For Prometheus", kind=_PLAIN)},
            **{f"/api/{name}": {"post": _post(fields, needed)} for name, (fields, needed) in _POSTS.items()},
        },
    }


_PLAIN = "text/plain"
_QUERY: Mapping[str, Json] = {
    **dict.fromkeys(("change", "project", "job", "result", "pipeline"), _TEXT),
    **{one: {"type": "integer", "minimum": 0, "maximum": 1 << 53} for one in ("limit", "before")},
}
_BUILD: Json = {
    "id": {"type": ["integer", "null"]},
    "job": _TEXT,
    "pipeline": _TEXT,
    "project": _TEXT,
    "change": {"type": ["integer", "string"]},
    "patchset": {"type": "integer"},
    "voting": {"type": "boolean"},
    "control": {"type": "boolean"},
    "state": {"enum": ["waiting", "node", "starting", "running", "paused", "done"]},
    "result": _MAYBE,
    "attempt": {"type": "integer"},
    "started": _MAYBE,
    "ended": _MAYBE,
    "node": _MAYBE,
    "log": _MAYBE,
    "recipe": _MAYBE,
    "commits": {"type": "object"},
    "trees": {"type": "object"},
    "reused": {"type": ["integer", "null"]},
    "diagnosis": {"type": ["object", "null"]},
}
_POSTS: Mapping[str, tuple[Mapping[str, Json], Sequence[str]]] = {
    "enqueue": ({"change": _NUMBER, "pipeline": _NAME}, ("change", "pipeline")),
    "dequeue": ({"change": _NUMBER, "pipeline": _TEXT}, ("change",)),
    "promote": ({"changes": {"type": "array", "items": _NUMBER}, "pipeline": _TEXT}, ("changes",)),
    "pause": ({"queue": _NAME}, ("queue",)),
    "resume": ({"queue": _NAME}, ("queue",)),
    "hold": ({"project": _NAME, "job": _NAME, "change": _NUMBER, "count": _NUMBER}, ("project", "job")),
    "release": ({"held": _NAME}, ("held",)),
}


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _get(
    summary: str,
    *,
    path: Sequence[str] = (),
    query: Mapping[str, Json] | None = None,
    kind: str = "application/json",
    also: Mapping[int, str] | None = None,
) -> Json:
    parameters = [{"name": one, "in": "path", "required": True, "schema": _TEXT} for one in path]
    parameters += [{"name": one, "in": "query", "schema": schema} for one, schema in (query or {}).items()]
    failures = {str(status): _refusal(words) for status, words in {**_FAILURES, **(also or {})}.items()}
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": {"description": "it", "content": {kind: {}}}, **failures},
    }


def _post(fields: Mapping[str, Json], needed: Sequence[str]) -> Json:
    schema = {"type": "object", "properties": dict(fields), "required": list(needed)}
    return {
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "202": {"description": "it is recorded"},
            **{str(status): _refusal(words) for status, words in {**_FAILURES, 503: "not now"}.items()},
        },
    }


def _refusal(words: str) -> Json:
    return {"description": words, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
