"""Zuul's matchers: does a branch, do the changed files, ask for a job; it reads no files and knows no job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatelocal.errors import ConfigurationError
from gatelocal.model.pattern import Pattern, any_matches, pattern_problem

COMMIT_MESSAGE = "/COMMIT_MSG"
"""Gerrit's pseudo-file: part of every change, and no reason to run a job."""


def matchers(value: object, place: str) -> tuple[Pattern, ...]:
    """Read a pattern, a mapping of `regex` and `negate`, or a list of them.

    :raises ConfigurationError: it is none of these, or not a regular expression.
    """
    items = value if isinstance(value, list) else [value]
    return tuple(_matcher(item, place) for item in items)


def _matcher(item: object, place: str) -> Pattern:
    problem = pattern_problem(item)
    if problem:
        raise ConfigurationError(f"{place}: {problem}")
    return pattern_of(item)


def pattern_of(item: object) -> Pattern:
    """A pattern that was checked: a text, or a mapping of `regex` and `negate`."""
    if isinstance(item, Mapping):
        return Pattern(str(item["regex"]), item.get("negate") is True)
    return Pattern(str(item))


def relevant(
    files: Sequence[Pattern] | None, irrelevant: Sequence[Pattern] | None, changed: Sequence[str] | None
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
