"""A little Gerrit on loopback: keeps changes and answers REST like 3.9.4 does; checks no permission but the login.

It can also misbehave: see :meth:`FakeGerrit.misbehave`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.http import LoopbackServer

GUARD = ")]}'\n"
OPTIONS = (
    "CURRENT_REVISION ALL_REVISIONS CURRENT_COMMIT ALL_COMMITS MESSAGES LABELS DETAILED_LABELS DETAILED_ACCOUNTS"
    " SUBMITTABLE SUBMIT_REQUIREMENTS"
).split()
ERRORS = {400: "bad", 401: "Unauthorized", 403: "not permitted", 409: "change is closed", 422: "no such account"}


@dataclass
class FakePatchSet:
    number: int
    commit: str
    parents: tuple[str, ...]
    message: str


@dataclass
class FakeChange:
    project: str
    number: int
    branch: str
    change_id: str
    patchsets: list[FakePatchSet] = field(default_factory=list)
    status: str = "NEW"
    topic: str = ""
    labels: dict[str, int] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def current(self) -> FakePatchSet:
        return self.patchsets[-1]

    def names(self) -> set[str]:
        triplet = f"{self.project}~{self.branch}~{self.change_id}"
        return {str(self.number), f"{self.project}~{self.number}", triplet, self.change_id}


@dataclass
class Request:
    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(body)
        self.status, self.body = status, body


class FakeGerrit:
    """To be used in a ``with`` statement; `url` is set inside it.

    :ivar requests: all that it was asked, in order. :ivar paths: their paths as they came, with ``/a`` before them.
    """

    def __init__(self, page: int = 500) -> None:
        self.passwords = {"admin": "s3cret"}
        self.cookies = {"o=git-ann": "ann"}
        self.projects: dict[str, dict[str, Any]] = {}
        self.changes: dict[int, FakeChange] = {}
        self.stored: dict[str, Any] = {}
        self.keys: dict[str, list[dict[str, Any]]] = {}
        self.identities: dict[str, list[Any]] = {}
        self.requests: list[Request] = []
        self.paths: list[str] = []
        self.page = page
        self.trouble: list[str] = []
        self.always = ""
        self.packed = ("", b"")
        self.over = threading.Event()
        self._server = LoopbackServer(_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeGerrit:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def misbehave(self, *kinds: str) -> None:
        """Spoil the next answers, one kind each; what is set as `always` spoils all others.

        Kinds: a status such as ``"503"``; ``html`` (a login page with 200), ``bare`` (JSON without the guard),
        ``echo`` (tells the password),
        ``half`` (breaks off), ``cut`` (JSON that breaks off), ``drop`` (no answer), ``silence`` (for ever),
        ``deep`` (JSON in a hundred thousand lists), ``drip`` (a byte now and then),
        ``flood`` (bytes without end), ``packed`` (the body `packed` in that encoding),
        ``late`` (does it, then drops the answer), ``to:URL`` (a redirect), ``say:TEXT`` (a 409 with that body).
        """
        self.trouble.extend(kinds)

    def upload(
        self,
        project: str,
        message: str,
        *,
        onto: FakeChange | None = None,
        change: FakeChange | None = None,
        branch: str = "main",
    ) -> FakeChange:
        """A new change, or a new patchset of `change`; `onto` is the change whose current commit is its parent."""
        if change is None:
            number = len(self.changes) + 1
            found = re.search(r"^Change-Id: (I[0-9a-f]{40})$", message, re.MULTILINE)
            change_id = found[1] if found else "I" + hashlib.sha1(f"{project} {number}".encode()).hexdigest()  # noqa: S324
            change = self.changes[number] = FakeChange(project, number, branch, change_id)
            self.projects.setdefault(project, {})
        patchset = len(change.patchsets) + 1
        commit = hashlib.sha1(f"{change.number} {patchset} {message}".encode()).hexdigest()  # noqa: S324
        change.labels = {}
        parents = (onto.current.commit,) if onto else ("0" * 39 + "1",)
        change.patchsets.append(FakePatchSet(patchset, commit, parents, message))
        return change

    def answer(self, request: Request, user: str | None) -> Any:
        """What the request gives: JSON data. :raises Refused: with Gerrit's status and words."""
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        handlers: dict[str, Callable[..., Any]] = {
            "changes": self._changes,
            "projects": self._projects,
            "accounts": self._accounts,
            "config": lambda *_: "3.9.4",
        }
        if parts[0] not in handlers:
            raise Refused(404, "Not Found")
        return handlers[parts[0]](request, parts[1:], user)

    def _accounts(self, request: Request, parts: list[str], user: str | None) -> Any:
        if user is None:
            raise Refused(403, "Resolving account 'self' requires login")
        if request.verb != "GET":
            self.stored["/".join(parts)] = request.body.decode()
            return None
        if parts[1:] == ["sshkeys"]:
            return self.keys.get(parts[0], [])
        if parts[1:] == ["external.ids"]:
            return self.identities.get(parts[0], [])
        return {"_account_id": 1000000, "username": user if parts[0] == "self" else parts[0]}

    def _projects(self, request: Request, parts: list[str], user: str | None) -> Any:
        name, *rest = parts
        if request.verb == "PUT" and not rest:
            if name in self.projects:
                raise Refused(409, f'Project "{name}" already exists')
            self.projects[name] = json.loads(request.body)
        elif name not in self.projects:
            raise Refused(404, f"Not found: {name}")
        elif rest:
            self.stored["/".join(parts)] = json.loads(request.body or b"{}")
            return self.stored["/".join(parts)]
        return {"name": name, "parent": "All-Projects", "state": "ACTIVE"}

    def _changes(self, request: Request, parts: list[str], user: str | None) -> Any:
        for option in request.query.get("o", []):
            if option not in OPTIONS:
                raise Refused(400, f'"{option}" is not a valid value for "-o"')
        if not parts or not parts[0]:
            return self._search(request)
        found = [change for change in self.changes.values() if parts[0] in change.names()]
        if len(found) != 1:
            raise Refused(404, f"Not found: {parts[0]}" if not found else f"Multiple changes found for {parts[0]}")
        if request.verb != "GET" and user is None:
            raise Refused(403, "Authentication required")
        return self._one(request, found[0], parts[1:])

    def _search(self, request: Request) -> Any:
        found = sorted(self.changes.values(), key=lambda change: -change.number)
        for term in request.query["q"][0].split():
            key, _, value = term.partition(":")
            if key == "change":
                found = [change for change in found if value in change.names() or change.change_id.startswith(value)]
            elif key in ("project", "status"):
                wanted = {"open": "NEW"}.get(value, value)
                found = [change for change in found if getattr(change, key).lower() == wanted.lower()]
            else:
                raise Refused(400, f"Unsupported operator {term}")
        start, size = int(request.query.get("S", ["0"])[0]), int(request.query.get("n", ["500"])[0])
        stop = start + min(size, self.page)
        page = [self._info(change, request.query.get("o", [])) for change in found[start:stop]]
        if stop < len(found) and page:
            page[-1]["_more_changes"] = True
        return page

    def _one(self, request: Request, change: FakeChange, rest: list[str]) -> Any:
        match (request.verb, *rest):
            case ("GET",) | ("GET", "detail"):
                return self._info(change, request.query.get("o", []))
            case ("GET", "revisions", revision, what):
                patchset = self._revision(change, revision)
                return (
                    {"message": patchset.message} if what == "commit" else {"changes": self._related(change, patchset)}
                )
            case ("PUT", "topic"):
                change.topic = json.loads(request.body)["topic"]
                return change.topic or None
            case ("POST", "revisions", revision, verb):
                return self._act(change, self._revision(change, revision), verb, json.loads(request.body))
            case ("GET", "reviewers", "self", "votes"):
                return change.labels
            case ("POST", verb):
                self._move(change, verb)
        return self._info(change, [])

    def _act(self, change: FakeChange, patchset: FakePatchSet, verb: str, body: dict[str, Any]) -> Any:
        if verb == "review":
            return self._review(change, patchset, body)
        if patchset is not change.current:
            raise Refused(409, f"revision {patchset.commit} is not current revision")
        self._move(change, verb)
        return self._info(change, [])

    def _review(self, change: FakeChange, patchset: FakePatchSet, body: dict[str, Any]) -> dict[str, Any]:
        """What is not in the project or out of range is dropped without a word, as 3.9.4 does; so are votes on older
        patchsets, with a word as if they were not.
        """
        given = body.get("labels", {}).items()
        taken = {name: value for name, value in given if abs(value) <= LABELS.get(name, -1)}
        change.labels |= taken if patchset is change.current else {}
        change.messages.append({"message": body.get("message", ""), "tag": body.get("tag", "")})
        return {"labels": taken}

    def _move(self, change: FakeChange, verb: str) -> None:
        before, after = {
            "submit": ("NEW", "MERGED"),
            "abandon": ("NEW", "ABANDONED"),
            "restore": ("ABANDONED", "NEW"),
        }[verb]
        if change.status != before:
            raise Refused(409, f"change is {change.status.lower()}")
        if verb == "submit" and change.labels.get("Code-Review") != 2:
            raise Refused(409, "submit requirement 'Code-Review' is unsatisfied.")
        change.status = after
        if verb == "submit":
            merged = {"tag": "autogenerated:gerrit:merged", "_revision_number": change.current.number}
            change.messages.append({"message": "Change has been successfully merged", **merged})

    def _revision(self, change: FakeChange, name: str) -> FakePatchSet:
        for patchset in change.patchsets:
            if name in (str(patchset.number), patchset.commit) or (name == "current" and patchset is change.current):
                return patchset
        raise Refused(404, f"Not found: {name}")

    def _related(self, change: FakeChange, patchset: FakePatchSet) -> list[dict[str, Any]]:
        every = {entry.commit: (owner, entry) for owner in self.changes.values() for entry in owner.patchsets}
        chain, commit = [(change, patchset)], patchset.parents[0]
        while commit in every:
            chain.append(every[commit])
            commit = every[commit][1].parents[0]
        return [] if len(chain) == 1 else [_link(owner, entry) for owner, entry in chain]

    def _info(self, change: FakeChange, options: list[str]) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": f"{change.project.replace('/', '%2F')}~{change.number}",
            "project": change.project,
            "branch": change.branch,
            "change_id": change.change_id,
            "subject": change.current.message.partition("\n")[0],
            "status": change.status,
            "created": "2026-11-20 10:00:00.000000000",
            "_number": change.number,
        }
        if change.topic:
            info["topic"] = change.topic
        if "MESSAGES" in options:
            info["messages"] = change.messages
        shown = change.patchsets if "ALL_REVISIONS" in options else change.patchsets[-1:]
        if {"ALL_REVISIONS", "CURRENT_REVISION"} & set(options):
            commits = {"ALL_COMMITS", "CURRENT_COMMIT"} & set(options)
            info["current_revision"] = change.current.commit
            info["revisions"] = {entry.commit: _patchset(change, entry, bool(commits)) for entry in shown}
        return info


LABELS = {"Code-Review": 2, "Verified": 1}


def _patchset(change: FakeChange, entry: FakePatchSet, commit: bool) -> dict[str, Any]:
    ref = f"refs/changes/{change.number % 100:02d}/{change.number}/{entry.number}"
    told: dict[str, Any] = {"_number": entry.number, "ref": ref, "kind": "REWORK"}
    if commit:
        told["commit"] = {"message": entry.message, "parents": [{"commit": parent} for parent in entry.parents]}
    return told


def _link(owner: FakeChange, entry: FakePatchSet) -> dict[str, Any]:
    return {
        "project": owner.project,
        "change_id": owner.change_id,
        "commit": {
            "commit": entry.commit,
            "parents": [{"commit": parent} for parent in entry.parents],
            "subject": entry.message.partition("\n")[0],
        },
        "_change_number": owner.number,
        "_revision_number": entry.number,
        "_current_revision_number": owner.current.number,
        "status": owner.status,
    }


def _handler(fake: FakeGerrit) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def _serve(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, url.path, parse_qs(url.query), dict(self.headers), body)
            fake.requests.append(request)
            fake.paths.append(url.path)
            trouble = fake.trouble.pop(0) if fake.trouble else fake.always
            if trouble and not self._spoil(trouble, request):
                return
            try:
                data = self._answer(request)
            except Refused as refused:
                return self._reply(refused.status, refused.body.encode(), "text/plain; charset=UTF-8")
            if trouble == "late":
                return self._hang_up()
            if data is None:
                return self._reply(204, b"", "text/plain")
            self._reply(200, (GUARD + json.dumps(data)).encode(), "application/json; charset=UTF-8")

        def _answer(self, request: Request) -> Any:
            user = None
            if request.path.startswith("/a/"):
                word, _, secret = request.headers.get("Authorization", "").partition(" ")
                user, _, password = (
                    base64.b64decode(secret).decode().partition(":") if word == "Basic" else ("", "", "")
                )
                named = [fake.cookies[one] for one in self.headers.get("Cookie", "").split("; ") if one in fake.cookies]
                if not word and named:
                    user = named[0]
                elif fake.passwords.get(user) != password:
                    raise Refused(401, "Unauthorized")
                request.path = request.path.removeprefix("/a")
            return fake.answer(request, user)

        def _spoil(self, kind: str, request: Request) -> bool:
            """Whether to go on with the true answer."""
            if kind in ("late", "true"):
                return True
            if kind == "silence":
                fake.over.wait(20)
            if kind in ("silence", "drop"):
                self._hang_up()
            elif kind == "html":
                self._reply(
                    200, b"<html><head><style>x{}</style></head><body>Sign <b>in</b>\x1b[31m</body></html>", "text/html"
                )
            elif kind == "echo":
                self._reply(200, f"hello {fake.passwords['admin']}".encode(), "text/plain")
            elif kind == "bare":
                self._reply(200, b'{"_number": 1}', "application/json")
            elif kind == "cut":
                self._reply(200, (GUARD + '{"_number": 1, "proj').encode(), "application/json")
            elif kind in ("deep", "drip", "flood", "packed"):
                self._burden(kind)
            elif kind == "half":
                self._reply(200, (GUARD + '{"_number": 1').encode(), "application/json", missing=50)
            elif kind.startswith("to:"):
                self._reply(302, b"", "text/html", location=kind[3:])
            elif kind.startswith("say:"):
                self._reply(409, kind[4:].encode(), "text/plain")
            else:
                self._reply(int(kind), ERRORS.get(int(kind), "trouble").encode(), "text/plain")
            return False

        def _burden(self, kind: str) -> None:
            if kind == "packed":
                return self._reply(200, fake.packed[1], "application/json", coding=fake.packed[0])
            if kind == "deep":
                return self._reply(200, GUARD.encode() + b"[" * 100_000, "application/json")
            self._reply(200, GUARD.encode(), "application/json", missing=10_000 if kind == "drip" else 1 << 40)
            with suppress(OSError):
                while kind == "flood":
                    self.wfile.write(b"a" * 65536)
            with suppress(OSError):
                while not fake.over.wait(0.05):
                    self.wfile.write(b" ")

        def _hang_up(self) -> None:
            self.close_connection = True

        def _reply(
            self, status: int, body: bytes, kind: str, *, location: str = "", missing: int = 0, coding: str = ""
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if coding:
                self.send_header("Content-Encoding", coding)
            if location:
                self.send_header("Location", location)
            if status != 204:
                self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = self.close_connection or bool(missing)

    return Handler
