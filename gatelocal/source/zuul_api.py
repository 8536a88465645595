"""The door to a running Zuul: what its REST API answers, as values of JSON; it reads only, and compares nothing.

Paths and shapes are those of Zuul 14's zuul-web. An answer is never waited for without limit, never larger than
:data:`LARGEST`, and never taken from another host than the one that was asked.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.text import plain
from git_review.git.runner import without_password

if TYPE_CHECKING:
    import requests

LARGEST = 64 * 2**20
"""Bytes of one answer; a busy tenant's status has some ten million."""

_SHOWN = 300
_PASSING = frozenset((429, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    :ivar connect: for a connection. :ivar silence: for the next byte. :ivar whole: for one answer, all in all.
    :ivar everything: for all answers together that one :class:`ZuulApi` is asked for.
    :ivar again: how often a request is repeated that the server was too busy for; `pause` before each time.
    """

    connect: float = 5.0
    silence: float = 30.0
    whole: float = 60.0
    everything: float = 600.0
    again: int = 2
    pause: float = 0.5


@dataclass(frozen=True, slots=True)
class Where:
    """Which jobs are meant."""

    pipeline: str
    project: str
    branch: str


class ZuulApi:
    """One tenant of one Zuul.

    :param url: of its web interface: ``https://zuul.example.org``, with ``/t/TENANT`` or ``/api/tenant/TENANT`` or
        anything below these, as it stands in a browser.
    :param tenant: when the URL does not name it.
    :raises InputError: it is no http(s) URL, or nothing names the tenant.
    """

    def __init__(
        self,
        url: str,
        tenant: str | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = _base(url, tenant)
        self._patience = patience or Patience()
        self._sleep = sleep
        self._end = time.monotonic() + self._patience.everything

    def jobs(self, where: Where) -> tuple[Mapping[str, object], ...]:
        """The jobs that Zuul would run on the branch, whatever files are changed: name and dependencies of each."""
        answer = self._get(f"{_path(where)}/freeze-jobs", f"the jobs of {where.project} in {where.pipeline}")
        if not isinstance(answer, list) or any(not isinstance(one, dict) or "name" not in one for one in answer):
            raise self._strange("a list of jobs was expected")
        return tuple(answer)

    def job(self, where: Where, name: str) -> Mapping[str, object]:
        """One of these jobs, frozen: all that an executor is told."""
        answer = self._get(f"{_path(where)}/freeze-job/{quote(name, safe='')}", f"job {name} of {where.project}")
        if not isinstance(answer, dict):
            raise self._strange("a frozen job was expected")
        return answer

    def status(self) -> Mapping[str, object]:
        """What is in the tenant's pipelines now."""
        answer = self._get("status", "the status")
        if not isinstance(answer, dict):
            raise self._strange("a status was expected")
        return answer

    def builds(self, page: int, **wanted: str) -> tuple[Mapping[str, object], ...]:
        """One page of the history of builds, the newest first.

        :param page: how many of them. :param wanted: in Zuul's words: ``project``, ``job_name``, ``idx_max``, ``skip``.
        """
        asked = urlencode({**{name: value for name, value in wanted.items() if value}, "limit": page})
        answer = self._get(f"builds?{asked}", "the history of builds")
        if not isinstance(answer, list) or any(not isinstance(one, dict) for one in answer):
            raise self._strange("a list of builds was expected")
        return tuple(answer)

    def _get(self, path: str, what: str) -> object:
        import requests
        from urllib3.exceptions import HTTPError

        for left in range(self._patience.again, -1, -1):
            try:
                status, kind, body = self._within_limits(f"{self.url}/{path}")
            except (requests.exceptions.RequestException, HTTPError, OSError) as error:
                proof = _is_about_a_certificate(error)
                if left and not proof:
                    self._sleep(self._patience.pause)
                    continue
                raise InfrastructureError(
                    f"{_shown(self.url)} {'cannot prove who it is' if proof else 'does not answer'}",
                    details=_words(str(error)),
                    hint="is its certificate known here?" if proof else "is it reachable from here?",
                ) from None
            if status in _PASSING and left:
                self._sleep(self._patience.pause)
                continue
            return self._value(status, kind, body, what)
        raise AssertionError("the last turn returns or raises")

    def _within_limits(self, url: str) -> tuple[int, str, bytes]:
        """The answer. However little the server sends now and then, be it of the headers, it holds nobody for long."""
        until = min(time.monotonic() + self._patience.whole, self._end)
        found: Future[tuple[int, str, bytes]] = Future()

        def ask() -> None:
            try:
                found.set_result(self._answer(url, until))
            except BaseException as error:  # whatever it is, it is raised where the answer is waited for
                found.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        if not wait([found], max(0.0, until - time.monotonic())).done:
            raise self._late()
        return found.result()

    def _answer(self, url: str, until: float) -> tuple[int, str, bytes]:
        with (
            _session(self.url) as session,
            session.get(
                url,
                headers={"Accept": "application/json", "User-Agent": "gatelocal"},
                timeout=(self._patience.connect, self._patience.silence),
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            parts: list[bytes] = []
            size = 0
            # What has come, and not a whole block: a server that sends a byte now and then must not hold us.
            read = getattr(answer.raw, "read1", answer.raw.read)  # urllib3 1.26 knows blocks only
            while part := read(1 << 16, decode_content=True):
                size += len(part)
                if size > LARGEST:
                    raise self._strange(f"more than {LARGEST // 2**20} MiB")
                if time.monotonic() > until:
                    raise self._late()
                parts.append(part)
            return answer.status_code, answer.headers.get("Content-Type", ""), b"".join(parts)

    def _late(self) -> InfrastructureError:
        patience = self._patience
        one, everything = f"its answer within {patience.whole:g} s", f"all answers within {patience.everything:g} s"
        told = one if time.monotonic() < self._end else everything
        return InfrastructureError(f"{_shown(self.url)} has not finished {told}", hint="try again later")

    def _value(self, status: int, kind: str, body: bytes, what: str) -> object:
        told = _words(body.decode("utf-8", "replace"))
        if status == 404:
            raise InputError(
                f"{_shown(self.url)} does not know {plain(what)}",
                details=told if "html" not in kind else "",
                hint="are tenant, pipeline, project and branch spelled as Zuul has them?",
            )
        if status in (401, 403):
            raise InfrastructureError(f"{_shown(self.url)} lets nobody ask without a login", details=told)
        if status >= 500:
            raise InfrastructureError(
                f"{_shown(self.url)} could not say {plain(what)} (status {status})",
                details=told,
                hint="Zuul answers so, too, when its own configuration of the project is in error",
            )
        if status != 200:
            raise self._strange(f"status {status}: {told}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self._strange(told) from None

    def _strange(self, told: str) -> InfrastructureError:
        return InfrastructureError(
            f"{_shown(self.url)} did not answer like a Zuul",
            details=told,
            hint="is this the address of its web interface?",
        )


def _path(where: Where) -> str:
    project, branch = quote(where.project, safe="/"), quote(where.branch, safe="/")
    return f"pipeline/{quote(where.pipeline, safe='')}/project/{project}/branch/{branch}"


def _base(url: str, tenant: str | None) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or url != plain(url):
        raise InputError(f"{plain(url)!r} is no http(s) URL of a Zuul")
    before, named = _split(parts.path)
    if named and tenant and named != tenant and quote(tenant, safe="") != named:
        raise InputError(f"the URL is about tenant {plain(named)}, and the configuration about {tenant}")
    if not named and not tenant:
        raise InputError(f"{_shown(url)} does not say which tenant is meant", hint="name it: .../t/TENANT")
    return f"{parts.scheme}://{parts.netloc}{before}/api/tenant/{named or quote(tenant or '', safe='')}"


def _split(path: str) -> tuple[str, str]:
    """What stands before the tenant in a path, and the tenant's name as it is written there."""
    words = [word for word in path.split("/") if word]
    for place, (word, after) in enumerate(pairwise([*words, ""])):
        if word == "t" and after:
            return _joined(words[:place]), after
        if word == "tenant" and after and place and words[place - 1] == "api":
            return _joined(words[: place - 1]), after
    return _joined(words), ""


def _joined(words: list[str]) -> str:
    return "".join(f"/{word}" for word in words)


def _is_about_a_certificate(error: BaseException) -> bool:
    """Whether a certificate that is not trusted is among the errors that one was made from, whatever their words."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop()
        if isinstance(current, ssl.SSLCertVerificationError):
            return True
        if id(current) not in seen:
            seen.add(id(current))
            nested = (*current.args, getattr(current, "reason", None), current.__context__, current.__cause__)
            waiting.extend(one for one in nested if isinstance(one, BaseException))
    return False


def _session(url: str) -> requests.Session:
    import requests

    session = requests.Session()
    host = urlsplit(url).hostname or ""
    session.trust_env = not (host in ("localhost", "::1") or host.startswith("127."))
    return session


def _shown(url: str) -> str:
    return plain(without_password(url))


def _words(text: str) -> str:
    return plain(without_password(" ".join(text.split())))[:_SHOWN]
