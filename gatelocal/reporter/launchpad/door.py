"""The only door to Launchpad: launchpadlib's client, which sends nothing twice by itself; no rule is in here.

What went wrong is told by a status or a kind of failure: answers may have secrets in them, and are shown to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gatelocal.errors import InfrastructureError, InputError

VERSION: Final = "devel"
"""Of Launchpad's interface: people's identities and blueprints are found by no other."""
_TIMEOUT, _OLD = 30.0, 3600.0
_FOR_GOOD = frozenset((400, 403, 404, 405, 409, 410))
_NOT_LET_IN, _CHANGED = 401, 412


class Refused(Exception):
    """Launchpad will not do that, however often it is asked. :ivar status: its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Launchpad answers {status}")
        self.status = status


class Outdated(Exception):
    """Somebody else has changed it meanwhile: it is to be looked at again."""


class NotLetIn(InfrastructureError):
    """The credentials are no good, at least for that: a person has to see to it."""


def check(credentials: Path) -> None:
    """Whether Launchpad can be spoken to at all. :raises InputError: with what is missing; no secret is in it."""
    try:
        _credentials(credentials)
    except ImportError as error:
        raise InputError(f"{error.name} is not installed", hint="pip install 'gatelocal[launchpad]'") from None
    except OSError as error:
        raise InputError(f"{credentials} cannot be read: {error.strerror}", hint=_HINT) from None
    except Exception:  # a parser shows what it has read
        raise InputError(f"{credentials} has no credentials for Launchpad", hint=_HINT) from None


_HINT = "the file is the one that launchpadlib's Launchpad.login_with(credentials_file=...) writes"


def _credentials(path: Path) -> Any:
    from launchpadlib.credentials import Credentials

    return Credentials.load_from_path(str(path))


class Door:
    """Launchpad, for one thread; the connection is made when it is needed, and anew when there was trouble.

    :param server: ``production``, ``staging``, or the address of one. :param credentials: as launchpadlib writes them.
    """

    def __init__(self, server: str, credentials: Path, timeout: float = _TIMEOUT) -> None:
        self._server = server
        self._file = credentials
        self._timeout = timeout
        self._known: Any = None
        self._since = 0.0

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """Launchpad's root, for a few questions that belong together.

        :raises Refused: it will not do that. :raises Outdated: see there.
        :raises InfrastructureError: it gives no answer, or none that can be used; an order may have been carried out.
        """
        try:
            if self._known is None or time.monotonic() - self._since > _OLD:
                self._known = _connected(self._server, _credentials(self._file), self._timeout)
                self._since = time.monotonic()
            yield self._known
        except (Refused, Outdated, InfrastructureError):
            raise
        except Exception as error:  # whatever the client makes of what it was sent
            status = _status(error)
            if status == _CHANGED:
                raise Outdated from None
            if status in _FOR_GOOD:
                raise Refused(status) from None
            self._known = None
            if status == _NOT_LET_IN:
                raise NotLetIn("Launchpad does not let us do that (401)", hint="look at the credentials") from None
            why = f"answers {status}" if status else f"gives no answer: {_kind(error)}"
            raise InfrastructureError(f"Launchpad {why}") from None


def is_missing(error: Exception) -> bool:
    """Whether an answer says that there is no such thing, or that it is not shown to us."""
    return _status(error) == 404


def _status(error: Exception) -> int:
    """The status of an answer; 0: there was none."""
    try:
        return int(error.response.status)  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        return 0


def _kind(error: Exception) -> str:
    """In words that nobody has sent."""
    reason = error.strerror if isinstance(error, OSError) and isinstance(error.strerror, str) else ""
    return reason or type(error).__name__


def _connected(server: str, credentials: Any, timeout: float) -> Any:
    """A client that neither keeps answers nor sends an order again whose answer was lost."""
    from launchpadlib import launchpad
    from lazr.restfulclient.errors import error_for

    class Http(launchpad.LaunchpadOAuthAwareHttp):  # type: ignore[misc]
        def request(self, *args: Any, **options: Any) -> Any:
            response, content = super().request(*args, **options)
            if response.status in (502, 503):  # the client would wait, and send the same again, for a minute
                raise error_for(response, content)
            return response, content

        def _conn_request(self, connection: Any, uri: str, method: str, body: Any, headers: Any) -> Any:
            if method not in ("GET", "HEAD"):
                connection.close()  # one that has been open for long may be dead: the order would be lost with it
                connection = _Once(connection)
            return super()._conn_request(connection, uri, method, body, headers)

    class Client(launchpad.Launchpad):  # type: ignore[misc]
        def httpFactory(self, credentials: Any, cache: Any, timeout: Any, proxy: Any) -> Any:  # noqa: N802 - its name
            return Http(self, None, credentials, None, timeout, proxy)

    return Client(credentials, None, None, service_root=server, cache=object(), timeout=timeout, version=VERSION)


class _Once:
    """A connection that a request is sent over once: the client sends it again when it gets no answer."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._sent = False

    def request(self, *args: Any, **options: Any) -> None:
        if self._sent:
            raise ConnectionError("the answer was lost")
        self._sent = True
        self._connection.request(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


Identities = Callable[[int], tuple[str, ...]]
"""An account of the review server → the identities that it logs in with, as far as they are shown to us."""
