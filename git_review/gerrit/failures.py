"""No answer, as `requests` raises it → Unreachable with the reason in plain words; repeats no request itself."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from git_review.gerrit.errors import Unreachable, printable
from git_review.git.runner import without_password


def raised() -> tuple[type[Exception], ...]:
    """The exceptions that mean that there was no (whole) answer; imports `requests`."""
    from requests.exceptions import RequestException

    return (RequestException,)


def passing(error: Exception) -> bool:
    """Whether trying again may help: a connection that was refused or broke, but no bad certificate, no silence."""
    from requests import exceptions

    if _names(_chain(error)) & {"SSLError", "ReadTimeout", "ReadTimeoutError"}:
        return False
    return isinstance(error, (exceptions.ConnectionError, exceptions.ChunkedEncodingError))


def translate(server: str, error: Exception) -> Unreachable:
    """The error for a person. :param server: the base URL, without credentials."""
    chain = _chain(error)
    names = _names(chain)
    reason = next((entry for entry in _REASONS if names & entry.names), _BROKEN)
    brief = reason.brief.format(server=server, host=urlsplit(server).hostname)
    seen = printable(without_password(str(chain[-1]) or str(error)), 400)
    return Unreachable(brief, body=seen, hint=reason.hint, sent=reason.sent)


@dataclass(frozen=True, slots=True)
class _Reason:
    """Types of exceptions by name (`requests`, urllib3 and the system's own nest in one another), and what to say."""

    names: frozenset[str]
    brief: str
    hint: str
    sent: bool = False


_NETWORK = "check the address and the network"
_BROKEN = _Reason(
    frozenset(), "{server} broke the connection off", "try again; what was asked for may have been done", sent=True
)
_REASONS = (
    _Reason(
        frozenset({"SSLError"}),
        "{server} shows no certificate that is to be trusted, or speaks no TLS there",
        "if the server has an authority of its own, name its bundle: git config http.sslCAInfo FILE",
    ),
    _Reason(frozenset({"ProxyError"}), "the proxy on the way to {server} does not answer", "check HTTP(S)_PROXY"),
    _Reason(
        frozenset({"BadStatusLine"}),
        "what answers at {server} does not speak HTTP",
        "check the port: 29418 is SSH's, the web's is another",
    ),
    _Reason(frozenset({"NameResolutionError"}), "there is no host {host}, or its name cannot be looked up", _NETWORK),
    _Reason(
        frozenset({"ConnectionRefusedError"}), "nothing answers at {server}", "does the server run? is this its port?"
    ),
    _Reason(
        frozenset({"ReadTimeout", "ReadTimeoutError"}),
        "{server} did not answer in time",
        "the server is slow or stuck: try again in a minute",
        sent=True,
    ),
    _Reason(
        frozenset({"NewConnectionError", "ConnectTimeout", "ConnectTimeoutError"}),
        "{server} cannot be reached",
        _NETWORK,
    ),
)


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and all that it was made from, outermost first (urllib3 nests in arguments, too)."""
    chain: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if any(current is known for known in chain):
            continue
        chain.append(current)
        nested = (*current.args, getattr(current, "reason", None), current.__context__, current.__cause__)
        waiting.extend(entry for entry in nested if isinstance(entry, BaseException))
    return chain


def _names(chain: list[BaseException]) -> frozenset[str]:
    return frozenset(type(entry).__name__ for entry in chain)
