"""A connection to one Gerrit: puts the resources around one transport; every request is made by them, none here."""

from __future__ import annotations

from git_review.credentials import Auth
from git_review.gerrit.accounts import Accounts
from git_review.gerrit.changes import Changes
from git_review.gerrit.groups import Groups
from git_review.gerrit.projects import Projects
from git_review.gerrit.server import Server
from git_review.gerrit.transport import Policy, Transport


class Gerrit:
    """One server, one login. Also a context manager that gives the connections back.

    :ivar url: the base URL, without credentials and without a slash at its end.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.url = transport.url
        self.changes = Changes(transport)
        self.projects = Projects(transport)
        self.accounts = Accounts(transport)
        self.groups = Groups(transport)
        self.server = Server(transport)

    @property
    def username(self) -> str | None:
        """Who is logged in; None is anonymous."""
        return self._transport.auth.username if self._transport.auth else None

    def close(self) -> None:
        """Give the connections back; the next request opens new ones."""
        self._transport.close()

    def __enter__(self) -> Gerrit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    url: str,
    *,
    auth: Auth | None = None,
    timeout: tuple[float, float] = (5, 30),
    retries: int = 3,
    verify: bool | str = True,
    policy: Policy | None = None,
) -> Gerrit:
    """A client for the Gerrit at a base URL; asks nothing yet.

    :param url: such as ``https://review.example.org`` or ``http://127.0.0.1:8080/prefix``.
    :param auth: who to be (see :func:`git_review.credentials.find`); without it, what the URL says, or anonymous.
    :param timeout: seconds to connect, and seconds that the server may be silent.
    :param retries: how often GET, PUT and DELETE are repeated on a broken connection or 502, 503, 504.
    :param verify: False accepts any certificate; a path is a bundle of certificate authorities.
    :param policy: all of that and more, in place of the three.
    :raises git_review.errors.ReviewError: the URL is no http(s) URL.
    """
    return Gerrit(Transport(url, auth, policy or Policy(timeout=timeout, retries=retries, verify=verify)))
