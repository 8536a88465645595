"""One event of a log with what is known of its file and its build, and whether a query is true of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from gatelocal.results.fingerprints.tree import MESSAGE, All, Any, Literal, Node, Not, Phrase, Stars
from gatelocal.results.fingerprints.words import follow, known_words, words

Fields = Mapping[str, tuple[str, ...]]
"""Field → its values: one for most, several for tags."""


class Event:
    """One event.

    :param message: all of its text, which may have several lines.
    :param fields: of its build, its file and itself, without the message.
    """

    __slots__ = ("_words", "fields", "message")

    def __init__(self, message: str, fields: Fields) -> None:
        self.message, self.fields = message, fields
        self._words: tuple[str, ...] | None = None

    def words(self) -> tuple[str, ...]:
        """Those of the message."""
        if self._words is None:
            self._words = words(self.message)
        return self._words

    def values(self, field: str) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Each value of a field with its words; the values of all fields where none is named."""
        if field in (MESSAGE, ""):
            yield self.message, self.words()
        names = (field,) if field else tuple(self.fields)
        for name in names:
            for value in self.fields.get(name, ()):
                yield value, known_words(value)


def true(node: Node, event: Event) -> bool:  # noqa: PLR0911 - one for each kind
    """Whether what is asked for is true of the event."""
    match node:
        case Phrase(field, wanted):
            return any(follow(found, wanted) for _, found in event.values(field))
        case All(of):
            return all(true(one, event) for one in of)
        case Any(of):
            return any(true(one, event) for one in of)
        case Not(of):
            return not true(of, event)
        case Literal(field, text):
            return any(text in value for value, _ in event.values(field))
        case Stars(field, pattern, whole):
            takes = _compiled(pattern)
            if whole:
                return any(takes.fullmatch(value.lower()) for value, _ in event.values(field))
            return any(takes.fullmatch(word) for _, found in event.values(field) for word in found)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Stars next to one another are one: what is left takes no more than the square of the text's length."""
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(one, re.escape(one)) for one in re.sub(r"\*+", "*", pattern)), re.DOTALL)
