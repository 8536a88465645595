"""What a query asks for, as a tree: all of, any of, not, and the three kinds of leaves; it is compared elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gatelocal.model.record import dataclass

MESSAGE = "message"
"""The field with the text of an event; all others are short."""

EVENT = (MESSAGE, "module", "loglevel", "syslog_program")
FILE = ("filename", "tags")
BUILD = (
    *("build_name", "build_queue", "build_branch", "build_status", "build_change", "build_patchset", "build_node"),
    *("build_uuid", "build_short_uuid", "build_zuul_url", "node_provider", "project", "voting"),
)
FIELDS = (*EVENT, *FILE, *BUILD)
"""All fields that have ever been asked for; those of a build are the same for all its events."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """These words, one after the other. :ivar field: empty: of any field."""

    field: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """These very signs, upper and lower case as they stand: for what has no words."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Stars:
    """A pattern, in lower case: ``*`` is any text, ``?`` any sign. :ivar whole: of the whole value, else of a word."""

    field: str
    pattern: str
    whole: bool


@dataclass(frozen=True, slots=True)
class All:
    """All of them; without any, everything."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of them at least; without any, nothing."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything else."""

    of: Node


Leaf: TypeAlias = "Phrase | Literal | Stars"
Node: TypeAlias = "Phrase | Literal | Stars | All | Any | Not"


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves, in their order; one that stands twice comes twice."""
    match node:
        case All(of) | Any(of):
            for one in of:
                yield from leaves(one)
        case Not(of):
            yield from leaves(of)
        case _:
            yield node


def every(*of: Node) -> Node:
    """All of them, as flat as can be."""
    flat = [part for one in of for part in (one.of if isinstance(one, All) else (one,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def some(*of: Node) -> Node:
    """Any of them, as flat as can be."""
    flat = [part for one in of for part in (one.of if isinstance(one, Any) else (one,))]
    return flat[0] if len(flat) == 1 else Any(tuple(flat))
