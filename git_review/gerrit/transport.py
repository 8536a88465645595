"""HTTP as Gerrit speaks it: session, login, guard prefix, time limits, retries, redirects; knows no resource.

A request never waits without limit, is repeated only where repeating is harmless, never takes a password to another
host, and never lets one into an error.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from git_review import credentials
from git_review.gerrit import failures
from git_review.gerrit.body import ENCODINGS, LARGEST, Answer, Garbled, TooLarge, taken
from git_review.gerrit.errors import AddressError, GerritError, NotGerrit, one_line, refusal, words
from git_review.git.runner import without_password
from git_review.http_settings import Cookie, cookie_header, logs_in, read_cookies

if TYPE_CHECKING:
    import requests

GUARD = ")]}'\n"
"""What Gerrit puts before every JSON answer, against its being run as a script."""

_SAFE = frozenset({"GET", "PUT", "DELETE"})
_PASSING = frozenset({502, 503, 504})
_REDIRECTS = 5

Params = Mapping[str, str | int | Sequence[str]]


def url_path(*segments: str | int) -> str:
    """The segments as a request's path, each percent-encoded whole: a slash in a project's name becomes ``%2F``.

    :raises AddressError: a segment is empty, or one that a server takes for "here" or "up".
    """
    for segment in segments:
        if str(segment) in ("", ".", ".."):
            raise AddressError(f"{str(segment)!r} cannot be the name of anything on a server")
    return "/".join(quote(str(segment), safe="") for segment in segments)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often.

    :ivar timeout: seconds to connect, and seconds without a byte of the answer.
    :ivar retries: how often a safe request is repeated on a broken connection or 502, 503, 504.
    :ivar verify: False takes any certificate; a path is a bundle of certificate authorities.
    :ivar backoff: seconds before the first repetition; doubled for each further one.
    :ivar proxy: the URL of a proxy; "" is none; None leaves it to the environment.
    :ivar cookies: a file of cookies in Netscape's format, as curl and git write it.
    :ivar cookies_log_in: any cookie for the server is a login; otherwise only those known to be one.
    :ivar total: seconds for a whole answer, however it trickles. :ivar largest: bytes of an answer, unpacked or not.
    """

    timeout: tuple[float, float] = (5, 30)
    retries: int = 3
    verify: bool | str = True
    backoff: float = 0.2
    proxy: str | None = None
    cookies: Path | None = None
    cookies_log_in: bool = False
    total: float = 300
    largest: int = LARGEST


class Transport:
    """One server and one login.

    :param url: the server's base URL; a user name and password in it are used when `auth` is not given.
    :param pause: waits so many seconds.
    :raises ReviewError: the URL is no http(s) URL.
    """

    def __init__(
        self,
        url: str,
        auth: credentials.Auth | None = None,
        policy: Policy | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        base, own = credentials.split(url)
        self.url = base.partition("?")[0].partition("#")[0].rstrip("/")
        self.auth = auth or own
        self._policy = policy or Policy()
        self._pause = pause
        self._opened: requests.Session | None = None
        file = self._policy.cookies
        self._cookies = read_cookies(file) if file is not None else ()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The JSON of a resource. All verbs raise GerritError."""
        return self._json("GET", path, params=params)

    def get_text(self, path: str) -> str:
        """Something that is no JSON and that everybody may have."""
        answer = self._follow(_Request("GET", f"{self.url}/{path}", None, None, {}), True)
        if answer.status != 200:
            shown = self.shown(answer.text)
            raise refusal(self.url, f"GET {path}", answer.status, shown, logged_in=self.auth is not None)
        return answer.text

    def put(self, path: str, body: object = None) -> Any:
        """Create or replace a resource; the answer's JSON, None when it is empty."""
        return self._json("PUT", path, data=body)

    def post(self, path: str, body: object = None, *, retry: bool = False) -> Any:
        """Have something done. It is repeated on a broken connection only when `retry` says that this is harmless."""
        return self._json("POST", path, data=body, retry=retry)

    def post_text(self, path: str, text: str) -> Any:
        """POST plain text instead of JSON."""
        return self._json("POST", path, data=text.encode(), kind="text/plain; charset=UTF-8")

    def delete(self, path: str) -> None:
        """Remove a resource."""
        self._json("DELETE", path)

    def close(self) -> None:
        """Give the connections back. The next request opens new ones."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _json(
        self,
        verb: str,
        path: str,
        *,
        params: Params | None = None,
        data: object = None,
        kind: str = "application/json; charset=UTF-8",
        retry: bool = False,
    ) -> Any:
        payload = data if isinstance(data, bytes) or data is None else json.dumps(data).encode()
        headers = {"Accept": "application/json"} | ({"Content-Type": kind} if payload is not None else {})
        target = f"{self.url}/{'a/' if self._logs_in() else ''}{path}"
        request = _Request(verb, target, params, payload, headers)
        answer = self._follow(request, retry or verb in _SAFE)
        return self._decode(answer, f"{verb} {one_line(unquote(path), 200)}")

    def _follow(self, request: _Request, repeatable: bool) -> Answer:
        """Send, and go where a GET is sent to, as long as that is the same host."""
        for _ in range(_REDIRECTS):
            answer = self._persist(request, repeatable)
            place = answer.headers.get("Location")
            if not 300 <= answer.status < 400 or place is None:
                return answer
            target = urljoin(request.url, place)
            if request.verb != "GET" or not _same_place(request.url, target):
                raise NotGerrit(
                    f"{self.url} sends requests on to another place, which is not followed",
                    status=answer.status,
                    body=words(without_password(target)),
                    hint="use the address of the server itself",
                )
            request = _Request("GET", target, None, None, request.headers)
        raise NotGerrit(f"{self.url} sends requests round in a circle", hint="is this the address of a Gerrit?")

    def _persist(self, request: _Request, repeatable: bool) -> Answer:
        """Send, and send again where that is harmless and may help."""
        left = self._policy.retries if repeatable else 0
        wait = self._policy.backoff
        while True:
            try:
                answer = self._send(request)
                if answer.status not in _PASSING or left <= 0:
                    return answer
            except failures.raised() as error:
                if left <= 0 or not failures.passing(error):
                    raise failures.translate(self.url, error) from None
            self._pause(wait)
            left, wait = left - 1, wait * 2

    def _send(self, request: _Request) -> Answer:
        """Send, in a thread of its own: only so can an answer that comes byte by byte be given up at any point."""
        session = self._session()
        cookies = cookie_header(self._cookies_for(request.url))
        ask = partial(
            session.request,
            request.verb,
            request.url,
            params=dict(request.params or {}),
            data=request.data,
            headers={**request.headers, **({"Cookie": cookies} if cookies else {})},
            timeout=self._policy.timeout,
            verify=self._policy.verify,
            allow_redirects=False,
            stream=True,
        )
        try:
            return _within(self._policy.total, lambda: taken(ask(), self._policy.largest))
        except TooLarge:
            raise NotGerrit(
                f"{self.url} gives an answer of more than {self._policy.largest >> 20} MB, which is not taken in",
                hint="is this the address of a Gerrit? where a search finds so much, narrow it",
            ) from None
        except Garbled as error:
            raise NotGerrit(f"{self.url} gives an answer that cannot be unpacked", body=one_line(str(error))) from None
        except TimeoutError:
            from requests.exceptions import ReadTimeout

            # Its connection is still busy with the rest of the answer.
            self.close()
            raise ReadTimeout(f"no whole answer within {self._policy.total:g} s") from None

    def _cookies_for(self, url: str) -> tuple[Cookie, ...]:
        now = time.time()
        return tuple(cookie for cookie in self._cookies if cookie.fits(url, now))

    def _logs_in(self) -> bool:
        """Whether the server is asked as somebody, which has a path of its own (``/a/``)."""
        if self.auth is not None:
            return True
        return any(self._policy.cookies_log_in or logs_in(one) for one in self._cookies_for(f"{self.url}/a/"))

    def _session(self) -> requests.Session:
        if self._opened is None:
            import requests

            session = requests.Session()
            # A callable: `requests` would otherwise take a login of its own from ~/.netrc.
            session.auth = self._login
            session.trust_env = not _is_loopback(self.url)
            if self._policy.verify is False:
                import urllib3

                # It was asked for: as with git, no word about each request.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            if self._policy.proxy is not None:
                session.trust_env = False
                session.proxies = {"http": self._policy.proxy, "https": self._policy.proxy}
            session.headers["User-Agent"] = "git-review"
            session.headers["Accept-Encoding"] = ENCODINGS
            self._opened = session
        return self._opened

    def _login(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.auth is None:
            return prepared
        from requests.auth import HTTPBasicAuth

        HTTPBasicAuth(self.auth.username.encode(), self.auth.password.encode())(prepared)
        return prepared

    def _decode(self, answer: Answer, request: str) -> Any:
        body, status = answer.text, answer.status
        if status == 404 and "html" in answer.headers.get("Content-Type", ""):
            raise self._not_gerrit(body, status)
        if not 200 <= status < 300:
            raise refusal(self.url, request, status, self.shown(body), logged_in=self.auth is not None)
        if not body:
            return None
        if not body.startswith(GUARD):
            raise self._not_gerrit(body, status)
        try:
            return json.loads(body.removeprefix(GUARD))
        except (ValueError, RecursionError) as error:
            raise self._not_gerrit(f"JSON that breaks off, is none, or is nested too deeply: {error}", status) from None

    def _not_gerrit(self, body: str, status: int) -> GerritError:
        return NotGerrit(
            f"{self.url} did not answer like a Gerrit (status {status})",
            status=status,
            body=f"it said: {words(self.shown(body))}",
            hint="check host, port and path; a login page or a proxy in between answers like this, too",
        )

    def shown(self, text: str) -> str:
        """A server that repeats what it was sent must not make us repeat it."""
        cookies = (cookie.value for cookie in self._cookies if len(cookie.value) > 5)
        for secret in (self.auth.password if self.auth else "", *cookies):
            text = text.replace(secret, "***") if secret else text
        return text


def _within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What the work gives or raises. :raises TimeoutError: it has not ended so far; it goes on, and nobody listens."""
    done: SimpleQueue[tuple[Answer | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:
            done.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        answer, error = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if answer is None:
        raise error or TimeoutError
    return answer


@dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    url: str
    params: Params | None
    data: bytes | None
    headers: Mapping[str, str]


def _same_place(one: str, other: str) -> bool:
    """Whether a password that was meant for the first URL may go to the second: same host and port, or now TLS."""
    old, new = urlsplit(one), urlsplit(other)
    if new.scheme not in ("http", "https") or old.hostname != new.hostname:
        return False
    if (old.scheme, old.port) == (new.scheme, new.port):
        return True
    return old.scheme == "http" and new.scheme == "https" and old.port in (None, 80) and new.port in (None, 443)


def _is_loopback(url: str) -> bool:
    """No proxy has to do with a server on this machine, whatever the environment says."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
