"""What the gate calls the refs that it tests: a branch by its short name, a tag by its full one; it reads none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, as a place where configuration holds or does not.

    :ivar name: its full name. :ivar branches: those of its project that have its commit.
    """

    name: str
    branches: tuple[str, ...] = ()


Where = str | Tag
"""A branch, or a tag."""


def is_tag(name: str) -> bool:
    """Whether it is a tag's name. No branch of a Gerrit may be called so."""
    return name.startswith(_TAGS)


def tag_of(name: str) -> str:
    """A tag's full name, from the short one."""
    return f"{_TAGS}{name}"


def short(name: str) -> str:
    """As people call it."""
    return name.removeprefix(_TAGS)


def full(name: str) -> str:
    """As git calls it."""
    return name if is_tag(name) else f"{_HEADS}{name}"


def names(where: Where) -> Iterator[str]:
    """What matchers of branches may match (Zuul: a tag by its full name, or by a branch that contains it)."""
    yield from (where,) if isinstance(where, str) else (where.name, *where.branches)


def name_of(where: Where) -> str:
    """What it is called."""
    return where if isinstance(where, str) else where.name
