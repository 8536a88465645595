"""The only door to Gerrit: `connect` gives a client with one resource class a file; what it is told it does not keep.

Names are fetched when they are used, so that a plain upload, which needs `address` alone, does not pay for the client;
`requests` comes in with the first request.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from git_review.credentials import Auth
    from git_review.gerrit.client import Gerrit, connect
    from git_review.gerrit.errors import GerritError

__all__ = ["Auth", "Gerrit", "GerritError", "connect"]

_HOMES = {
    "Auth": "git_review.credentials",
    "Gerrit": "git_review.gerrit.client",
    "GerritError": "git_review.gerrit.errors",
    "connect": "git_review.gerrit.client",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value: object = getattr(import_module(_HOMES[name]), name)
    return value
