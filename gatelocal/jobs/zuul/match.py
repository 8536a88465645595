"""Zuul's matchers: does a branch, do the changed files, ask for a job; it reads no files and knows no job.

Patterns are RE2 and match from the beginning of the text; no pattern takes more than linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from gatelocal.errors import ConfigurationError, InfrastructureError

COMMIT_MESSAGE = "/COMMIT_MSG"
"""Gerrit's pseudo-file: part of every change, and no reason to run a job."""

MAX_PATTERN = 10_000
"""Characters; longer ones are refused rather than compiled."""


class _Pattern(Protocol):
    def match(self, text: str) -> object: ...

    def search(self, text: str) -> object: ...

    def fullmatch(self, text: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """One pattern.

    :ivar negate: it matches what the pattern does not.
    :ivar exact: it is no pattern but the very text (Zuul's implied branch matchers).
    """

    pattern: str
    negate: bool = False
    exact: bool = False


def matchers(value: object, place: str) -> tuple[Matcher, ...]:
    """Read a pattern, a mapping of `regex` and `negate`, or a list of them.

    :raises ConfigurationError: it is none of these, or not a regular expression.
    """
    items = value if isinstance(value, list) else [value]
    return tuple(_matcher(item, place) for item in items)


def _matcher(item: object, place: str) -> Matcher:
    problem = pattern_problem(item)
    if problem:
        raise ConfigurationError(f"{place}: {problem}")
    if isinstance(item, Mapping):
        return Matcher(str(item["regex"]), item.get("negate") is True)
    return Matcher(str(item))


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


def any_matches(found: Iterable[Matcher], text: str) -> bool:
    """Whether one of the matchers takes the text."""
    return any(matches(matcher, text) for matcher in found)


def relevant(
    files: Sequence[Matcher] | None, irrelevant: Sequence[Matcher] | None, changed: Sequence[str] | None
) -> str:
    """Which rule keeps a job from a change: ``files``, ``irrelevant-files``, or none (empty).

    :param files: None when the job has no such matcher; an empty list matches nothing, as in Zuul.
    :param changed: the changed files; None or empty when they are not known (a merge commit), which keeps nothing.
    """
    names = [name for name in changed or () if name != COMMIT_MESSAGE]
    if not names:
        return ""
    if files is not None and not any(any_matches(files, name) for name in names):
        return "files"
    if irrelevant and all(any_matches(irrelevant, name) for name in names):
        return "irrelevant-files"
    return ""


def matches(matcher: Matcher, text: str) -> bool:
    """Whether the pattern matches from the beginning of the text, or, negated, does not."""
    if matcher.exact:
        return matcher.pattern == text
    return begins(matcher.pattern, text) != matcher.negate


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
