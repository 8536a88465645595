"""What a Gerrit can answer instead of doing what it was asked, as types with status, body and a hint; decides nothing.

Every text that came from the server passes through :func:`printable` before it becomes part of an error.
"""

from __future__ import annotations

import re
import unicodedata

from git_review.errors import ReviewError

_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_BODY_LIMIT = 2000


def printable(text: str, limit: int = _BODY_LIMIT) -> str:
    """The text without control and format characters (line breaks stay) and cut to `limit` characters."""
    head = text[: 4 * limit].replace("\r\n", "\n")
    kept = "".join(char for char in head if char == "\n" or unicodedata.category(char) not in _HIDDEN).strip()
    return kept if len(kept) <= limit else kept[:limit] + " [cut]"


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, limit: int = 200) -> str:
    """The text as :func:`printable`, on one line: for names inside a sentence."""
    return " ".join(printable(text, limit).split())


def words(text: str, limit: int = 160) -> str:
    """The first words of an answer on one line, markup taken out: for telling a person what came instead."""
    return one_line(_TAG.sub(" ", text[:20_000]), 10 * limit)[:limit]


class AddressError(ReviewError):
    """A text that names no server, no remote and no change."""


class GerritError(ReviewError):
    """The server did not do what it was asked.

    :ivar status: the HTTP status; None when there was no answer at all.
    :ivar body: the server's own words, safe to show and cut to a bearable length.
    """

    def __init__(self, brief: str, *, status: int | None = None, body: str = "", hint: str = "") -> None:
        super().__init__(brief, details=body, hint=hint)
        self.status = status
        self.body = body


class BadRequest(GerritError):
    """400: the server does not understand the request, such as an option that its version does not know."""


class Unauthorized(GerritError):
    """401: no password, a wrong one, or one that has expired."""


class Forbidden(GerritError):
    """403: the account may not do this."""


class NotFound(GerritError):
    """404: there is no such thing, or the account may not see it."""


class Conflict(GerritError):
    """409: the state of the thing does not allow it; the body says why."""


class Outdated(Conflict):
    """A newer patchset has come: what was said of the older one counts for nothing."""


class Unprocessable(GerritError):
    """422: the request names an account, a group or a commit that the server cannot resolve."""


class TooManyRequests(GerritError):
    """429: the server's quota for this account is used up."""


class ServerError(GerritError):
    """5xx: the server, or a proxy in front of it, is in trouble."""


class Unreachable(GerritError):
    """No answer: name not known, refused, cut off, bad certificate, or too slow.

    :ivar sent: whether the request may have reached the server; what it asked for may be done.
    """

    def __init__(self, brief: str, *, body: str = "", hint: str = "", sent: bool = False) -> None:
        super().__init__(brief, body=body, hint=hint)
        self.sent = sent


class NotGerrit(GerritError):
    """Something answered, but not in Gerrit's way: another site, a login page, a proxy, a wrong path prefix."""


_LOGIN = (
    "make a new HTTP password (since Gerrit 3.13: a token, which may have expired) in the server's settings and store"
    " it where git finds it: ~/.netrc or a git credential helper"
)
_SAID = "the server's words say why"
_KINDS: dict[int, tuple[type[GerritError], str, str]] = {
    400: (BadRequest, "{server} did not understand {request}", "is it spelt right, and does this version know it?"),
    401: (Unauthorized, "{server} did not accept the user name and password", _LOGIN),
    403: (Forbidden, "{server} does not allow {request}", "the account lacks a permission: ask the project's owners"),
    404: (
        NotFound,
        "{server} knows nothing by the name in {request}, or does not show it",
        "check the name, and whether this account may see it",
    ),
    409: (Conflict, "{server} refused {request} as things stand", _SAID),
    422: (Unprocessable, "{server} cannot resolve a name in {request}", "check accounts, groups and commits in it"),
    429: (TooManyRequests, "{server} takes no more requests from this account now", "wait a while, then try again"),
}
_ANONYMOUS = {
    401: (Unauthorized, "{server} wants a login", _LOGIN),
    403: (Forbidden, "{server} does not allow {request} without a login", _LOGIN),
    404: (NotFound, _KINDS[404][1], "check the name; it may also be that one sees it only when logged in"),
}
_OTHER = (GerritError, "{server} refused {request}", _SAID)
_TROUBLE = (
    ServerError,
    "{server} is in trouble: it could not answer {request}",
    "try again in a minute; if it stays so, tell the server's administrators",
)


def refusal(server: str, request: str, status: int, body: str, *, logged_in: bool) -> GerritError:
    """The error for an answer with a status that is no success.

    :param server: the base URL, without credentials. :param request: verb and path, such as ``GET changes/12``.
    :param body: the answer as text, as it came.
    :param logged_in: whether credentials were sent.
    """
    known = _KINDS if logged_in else _KINDS | _ANONYMOUS
    kind, brief, hint = _TROUBLE if status >= 500 else known.get(status, _OTHER)
    said = words(body, 600) if "<html" in body[:400].lower() else printable(body)
    return kind(
        f"{brief.format(server=server, request=request)} (status {status})", status=status, body=said, hint=hint
    )
