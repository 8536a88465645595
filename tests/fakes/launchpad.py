"""A Launchpad on the loopback address, for launchpadlib itself: it serves the WADL that comes with that."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http import LoopbackServer

Fault = Callable[[str, str], "int | str | None"]
"""Method and path → how to fail: a status; ``cut`` or ``late``: do it, answer nothing or 502; ``mute``; ``html``."""
_BUNDLED = "https://api.launchpad.test/1.0/"
_WADL = "application/vnd.sun.wadl+xml"


def none(method: str, path: str) -> None:
    return None


@dataclass
class Launchpad:
    """What it knows. :ivar seen: method and path of each request. :ivar page: entries of a page."""

    url: str = ""
    bugs: dict[int, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    specifications: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    fault: Fault = none
    page: int = 75

    @property
    def root(self) -> str:
        return f"{self.url}devel/"

    def bug(self, number: int, *tasks: str, status: str = "New") -> None:
        """File a bug against these targets."""
        kept = [{"target": one, "status": status, "assignee": None} for one in tasks]
        self.bugs[number] = {"tags": [], "tasks": kept, "messages": [("A bug", "It is broken")]}

    def status(self, number: int) -> list[str]:
        return [one["status"] for one in self.bugs[number]["tasks"]]

    def said(self, number: int) -> list[str]:
        """Subjects of what was said since the bug was filed."""
        return [subject for subject, _ in self.bugs[number]["messages"][1:]]

    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.seen if one[0] != "GET"]

    # ---- what it shows

    def shown(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:  # noqa: PLR0911
        parts = [one for one in path.split("/") if one][1:]
        match parts:
            case []:
                links = {f"{one}_collection_link": f"{self.root}{one}" for one in ("bugs", "people", "projects")}
                return {"resource_type_link": f"{self.root}#service-root", **links}
            case ["bugs", number] if int(number) in self.bugs:
                return self._entry("bug", path, self._bug(int(number)))
            case ["bugs", number, "bug_tasks"]:
                every = [self._task(int(number), at) for at in range(len(self.bugs[int(number)]["tasks"]))]
                return self._collection("bug_task", path, every, query)
            case ["bugs", number, "bug_tasks", at]:
                return self._task(int(number), int(at))
            case ["bugs", number, "messages"]:
                every = [self._message(int(number), at) for at in range(len(self.bugs[int(number)]["messages"]))]
                return self._collection("message", path, every, query)
            case ["bugs", number, "messages", at]:
                return self._message(int(number), int(at))
            case ["people"] if "ws.op" in query:
                key = json.loads(query.get("identifier") or query["email"])
                return self._person(self.people[key]) if key in self.people else None
            case ["people"]:
                return {"resource_type_link": f"{self.root}#people", "total_size": 0, "start": 0, "entries": []}
            case [name] if name.startswith("~"):
                return self._person(name[1:])
            case [project, "+spec", name] if (project, name) in self.specifications:
                return self._entry("specification", path, dict(self.specifications[project, name]))
            case [project] if any(one[0] == project for one in self.specifications):
                if "ws.op" in query:
                    return self.shown(f"{path.rstrip('/')}/+spec/{json.loads(query['name'])}", {})
                return self._entry("project", path, {"name": project})
        return None

    def change(self, path: str, told: dict[str, Any]) -> None:
        parts = [one for one in path.split("/") if one][1:]
        match parts:
            case ["bugs", number]:
                self.bugs[int(number)].update(told)
            case ["bugs", number, "bug_tasks", at]:
                new = {name.removesuffix("_link"): value for name, value in told.items()}
                self.bugs[int(number)]["tasks"][int(at)].update(new)
            case [project, "+spec", name]:
                self.specifications[project, name].update(told)

    def _bug(self, number: int) -> dict[str, Any]:
        own = f"{self.root}bugs/{number}"
        links = {f"{one}_collection_link": f"{own}/{one}" for one in ("bug_tasks", "messages")}
        return {"id": number, "tags": self.bugs[number]["tags"], **links}

    def _task(self, number: int, at: int) -> dict[str, Any]:
        one = self.bugs[number]["tasks"][at]
        told = {"bug_target_name": one["target"], "status": one["status"], "assignee_link": one["assignee"]}
        return self._entry("bug_task", f"/devel/bugs/{number}/bug_tasks/{at}", told)

    def _message(self, number: int, at: int) -> dict[str, Any]:
        subject, content = self.bugs[number]["messages"][at]
        return self._entry(
            "message", f"/devel/bugs/{number}/messages/{at}", {"subject": subject, "content": f"{content}\n"}
        )

    def _person(self, name: str) -> dict[str, Any]:
        return self._entry("person", f"/devel/~{name}", {"name": name})

    def _entry(self, kind: str, path: str, told: dict[str, Any]) -> dict[str, Any]:
        etag = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        link = f"{self.url}{path.strip('/')}"
        return {"self_link": link, "resource_type_link": f"{self.root}#{kind}", "http_etag": f'"{etag}"', **told}

    def _collection(self, kind: str, path: str, every: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        start, size = int(query.get("ws.start", 0)), int(query.get("ws.size", self.page))
        found: dict[str, Any] = {
            "resource_type_link": f"{self.root}#{kind}-page-resource",
            "total_size": len(every),
            "start": start,
            "entries": every[start : start + size],
        }
        if start + size < len(every):
            link = f"{self.url}{path.strip('/')}?ws.start={start + size}&ws.size={size}"
            found["next_collection_link"] = link
        return found


def wadl(root: str) -> str:
    """The bundled description, with what Launchpad's newest has besides: identities of people, and blueprints."""
    text = (files("launchpadlib") / "testing" / "launchpad-wadl.xml").read_text()
    text = _copied(text, "people-getByEmail", ("getByEmail", "getByOpenIDIdentifier"), ('"email"', '"identifier"'))
    text = _copied(text, "project-getSeries", ("getSeries", "getSpecification"), ("project_series", "specification"))
    board = """<wadl:param style="plain" required="false" name="whiteboard" path="$['whiteboard']"/>"""
    for name in ("full", "diff"):
        head = f'<wadl:representation mediaType="application/json" id="specification-{name}">'
        assert head in text
        text = text.replace(head, head + board)
    return text.replace(_BUNDLED, root)


def _copied(text: str, method: str, *renamed: tuple[str, str]) -> str:
    begin = text.index(f'<wadl:method id="{method}"')
    end = text.index("</wadl:method>", begin) + len("</wadl:method>")
    copy = text[begin:end]
    for old, new in renamed:
        copy = copy.replace(old, new)
    return text[:end] + copy + text[end:]


@contextmanager
def serving() -> Iterator[Launchpad]:
    """One that answers until the end."""
    told = Launchpad()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_PATCH(self) -> None:
            self._answer("PATCH")

        def _answer(self, method: str) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            told.seen.append((method, parts.path))
            assert "secret-word" in (self.headers.get("Authorization") or "")
            fault = told.fault(method, parts.path)
            if isinstance(fault, int):
                self._send(fault, b"Secret words", "text/plain")
            elif fault == "html":
                self._send(200, b"<html>please log in</html>", "text/html")
            elif fault == "mute":
                time.sleep(3)
                self.close_connection = True
            else:
                status, found, headers = self._done(method, parts.path, parts.query, body)
                if fault == "cut":
                    self.close_connection = True
                elif fault == "late":
                    self._send(502, b"", "text/plain")
                else:
                    self._send(status, found, "application/json", headers)

        def _done(self, method: str, path: str, query: str, body: str) -> tuple[int, bytes, dict[str, str]]:
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            if method == "GET" and self.headers.get("Accept") == _WADL:
                return 200, wadl(told.root).encode(), {"Content-Type": _WADL}
            if method == "GET":
                found = told.shown(path, asked)
                return (
                    (404, b"no such thing", {}) if found is None and "ws.op" not in asked else (200, _json(found), {})
                )
            if method == "PATCH":
                now = told.shown(path, {})
                if now is None or self.headers.get("If-Match") != now["http_etag"]:
                    return 412, b"", {}
                told.change(path, json.loads(body))
                return 209, _json(told.shown(path, {})), {}
            form = {name: json.loads(values[0]) for name, values in parse_qs(body).items() if name != "ws.op"}
            messages = told.bugs[int(path.rstrip("/").rpartition("/")[2])]["messages"]
            messages.append((form["subject"], form["content"]))
            return 201, b"", {"Location": f"{told.url}{path.strip('/')}/messages/{len(messages) - 1}"}

        def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = LoopbackServer(Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


CREDENTIALS = """\
[1]
consumer_key = gatelocal
consumer_secret =
access_token = token-word
access_secret = secret-word
"""
