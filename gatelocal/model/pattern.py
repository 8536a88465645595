"""Zuul's patterns: RE2 that match from the beginning of a text, and never take more than linear time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from gatelocal.errors import InfrastructureError
from gatelocal.model.record import dataclass

MAX_PATTERN = 10_000
"""Characters; longer ones are refused rather than compiled."""


class _Pattern(Protocol):
    def match(self, text: str) -> object: ...

    def search(self, text: str) -> object: ...

    def fullmatch(self, text: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.

    :ivar negate: what it does not match is meant.
    :ivar exact: it is no pattern but the very text (Zuul's implied branch matchers).
    """

    regex: str
    negate: bool = False
    exact: bool = False


def pattern_problem(item: object) -> str:
    """What is wrong with a pattern or a mapping of `regex` and `negate`; empty when nothing is."""
    if isinstance(item, Mapping):
        if set(item) - {"regex", "negate"} or not isinstance(item.get("negate", False), bool):
            return f"a matcher is a regular expression, or a mapping of regex and negate, not {item!r}"[:500]
        item = item.get("regex")
    if not isinstance(item, str):
        return f"a matcher is a regular expression, not {item!r}"[:500]
    if len(item) > MAX_PATTERN:
        return f"not a regular expression: longer than {MAX_PATTERN} characters"
    try:
        _compiled(item)
    except InfrastructureError:
        raise
    except Exception as error:  # re2's own type, which has no name before the module is there
        return f"not a regular expression (RE2): {item!r}: {_words(error)}"[:500]
    return ""


def any_matches(found: Iterable[Pattern], text: str) -> bool:
    """Whether one of the patterns takes the text."""
    return any(matches(pattern, text) for pattern in found)


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the pattern matches from the beginning of the text, or, negated, does not."""
    if pattern.exact:
        return pattern.regex == text
    return begins(pattern.regex, text) != pattern.negate


@lru_cache(maxsize=65536)
def begins(pattern: str, text: str) -> bool:
    """Whether the pattern matches from the beginning of the text."""
    return bool(_compiled(pattern).match(_utf8(text)))


def occurs(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text, as comments are looked through."""
    return bool(_compiled(pattern).search(_utf8(text)))


def matches_whole(pattern: str, text: str) -> bool:
    """Whether the pattern takes the whole text, as names of projects and branches of a tenant are matched."""
    return bool(_compiled(pattern).fullmatch(_utf8(text)))


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> _Pattern:
    try:
        engine = import_module("re2")
    except ImportError:
        raise InfrastructureError(
            "the module re2 is not installed, and Zuul's patterns mean other things to Python's own engine",
            hint="pip install google-re2",
        ) from None
    options = engine.Options()
    options.log_errors = False
    compiled: _Pattern = engine.compile(pattern, options=options)
    return compiled


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _utf8(text: str) -> str:
    """The text as re2 takes it: what is no UTF-8 in a file's name becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
