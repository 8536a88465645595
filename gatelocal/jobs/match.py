"""Zuul's matchers: does a branch, do the changed files, ask for a job; it reads no files and knows no job.

Zuul's patterns are RE2 and match from the beginning of the text. Without google-re2 Python's own engine takes them,
after the two things that RE2 accepts and Python does not are rewritten: a repeated ``^`` and ``\\pN``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from gatelocal.errors import ConfigurationError

COMMIT_MESSAGE = "/COMMIT_MSG"
"""Gerrit's pseudo-file: part of every change, and no reason to run a job."""


class _Pattern(Protocol):
    def match(self, text: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """One pattern. :ivar negate: it matches what the pattern does not."""

    pattern: str
    negate: bool = False


def matchers(value: object, place: str) -> tuple[Matcher, ...]:
    """Read a pattern, a mapping of `regex` and `negate`, or a list of them.

    :raises ConfigurationError: it is none of these, or not a regular expression.
    """
    items = value if isinstance(value, list) else [value]
    return tuple(_matcher(item, place) for item in items)


def _matcher(item: object, place: str) -> Matcher:
    negate = False
    if isinstance(item, Mapping):
        negate = bool(item.get("negate", False))
        item = item.get("regex")
    if not isinstance(item, str):
        raise ConfigurationError(f"{place}: a matcher is a regular expression, not {item!r}")
    try:
        _compiled(item)
    except Exception as error:  # re.error or re2's own type, which may not be there to name
        raise ConfigurationError(f"{place}: not a regular expression: {item!r}", details=str(error)) from None
    return Matcher(item, negate)


def branch_matches(found: Sequence[Matcher], branch: str) -> bool:
    """Whether any of the matchers takes the branch; none given takes all."""
    return not found or any(matches(matcher, branch) for matcher in found)


def relevant(files: Sequence[Matcher], irrelevant: Sequence[Matcher], changed: Sequence[str] | None) -> str:
    """Which rule keeps a job from a change: ``files``, ``irrelevant-files``, or none (empty).

    :param changed: the changed files; None or empty when they are not known (a merge commit), which keeps nothing.
    """
    names = [name for name in changed or () if name != COMMIT_MESSAGE]
    if not names:
        return ""
    if files and not any(matches(matcher, name) for name in names for matcher in files):
        return "files"
    if irrelevant and all(any(matches(matcher, name) for matcher in irrelevant) for name in names):
        return "irrelevant-files"
    return ""


def matches(matcher: Matcher, text: str) -> bool:
    """Whether the pattern matches from the beginning of the text, or, negated, does not."""
    return bool(_compiled(matcher.pattern).match(text)) != matcher.negate


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> _Pattern:
    try:
        engine = import_module("re2")
    except ImportError:
        return re.compile(_for_python(pattern))
    compiled: _Pattern = engine.compile(pattern)
    return compiled


def _for_python(pattern: str) -> str:
    rewritten = re.sub(r"(?<!\\)(?<!\[)\^([*+?])", r"(?:^)\1", pattern)
    return re.sub(r"\\p(N|\{N\})", r"\\d", rewritten)
