"""A query's tree → a condition for SQLite with FTS5, over the tables of :data:`TABLES`; nothing is run.

The index holds the words of our own analysis with a blank between them, so that it parts text where the matcher does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from gatelocal.results.fingerprints.event import Event
from gatelocal.results.fingerprints.tree import FIELDS, MESSAGE, All, Any, Literal, Node, Not, Phrase, Stars, every
from gatelocal.results.fingerprints.words import words

_SHORT = tuple(name for name in FIELDS if name != MESSAGE)
_IN_WORDS = ".:,;''_\u2018\u2019\u2024\uff07\uff0e\u00b7\u2027\u066c"
_BEGINNING = re.compile(r"[a-z0-9]+\*", re.ASCII)
"""A pattern that the index knows: the beginning of a word, in signs that it parts nowhere."""
_GAP = " _ "
"""Between the words of two values of a field: no word of ours is like it."""
_TOKENS = f"unicode61 remove_diacritics 0 tokenchars '{_IN_WORDS}'"

TABLES: tuple[str, ...] = (
    f"CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, build TEXT NOT NULL, message TEXT NOT NULL,"
    f" {', '.join(f'{name} TEXT NOT NULL' for name in _SHORT)})",
    "CREATE INDEX IF NOT EXISTS events_build ON events (build)",
    f'CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5({", ".join((MESSAGE, *_SHORT))}, tokenize = "{_TOKENS}")',
    "CREATE TABLE IF NOT EXISTS known_words (word TEXT PRIMARY KEY) WITHOUT ROWID",
)
"""``events`` has each event as it is, its short fields as JSON lists; ``words`` has the words of each, ``known_words``
each of them once, for patterns; it may have some that no event has any more."""

ADD_EVENT = (
    f"INSERT INTO events (id, build, message, {', '.join(_SHORT)}) VALUES ({', '.join('?' * (3 + len(_SHORT)))})"
)
ADD_WORDS = f"INSERT INTO words (rowid, {', '.join((MESSAGE, *_SHORT))}) VALUES ({', '.join('?' * (2 + len(_SHORT)))})"
ADD_WORD = "INSERT OR IGNORE INTO known_words VALUES (?)"
RENEW_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.indexed USING fts5vocab(main, words, row)",
    "DELETE FROM known_words",
    "INSERT INTO known_words SELECT term FROM temp.indexed",
)
"""``known_words`` anew, of what is indexed."""


def rows(build: str, event: Event) -> tuple[Sequence[str], Sequence[str]]:
    """What of an event goes into ``events``, and into ``words`` after its number."""
    fields = [_short(event.fields.get(name, ())) for name in _SHORT]
    return [build, event.message, *(text for text, _ in fields)], [
        " ".join(event.words()),
        *(told for _, told in fields),
    ]


@lru_cache(maxsize=4096)
def _short(values: tuple[str, ...]) -> tuple[str, str]:
    """The values of a short field, which come again and again: as JSON, and as words."""
    return json.dumps(values), _GAP.join(" ".join(words(one)) for one in values)


def search(node: Node) -> tuple[str, list[str]]:
    """A query for builds of which it is true, and its parameters: build and message of each event, the latest first.

    Where the index can tell of any part, it leads: it knows its rows in their order, so that whoever wants the latest
    ones alone reads no others.
    """
    parts = node.of if isinstance(node, All) else (node,)
    indexed = [one for one in parts if _matched(one)]
    if not indexed:
        where, values = condition(node)
        return f"SELECT build, message FROM events WHERE {where} ORDER BY id DESC", values
    indexed += [one for one in parts if isinstance(one, Not) and _matched(one.of)]
    rest = [one for one in parts if one not in indexed]
    where, values = condition(every(*rest)) if rest else ("1", [])
    asked = "SELECT build, events.message FROM words CROSS JOIN events ON events.id = words.rowid"
    return f"{asked} WHERE words MATCH ? AND {where} ORDER BY words.rowid DESC", [_matched(every(*indexed)), *values]


MANY = 2000
"""Words that a pattern may stand for; one that stands for more is looked for in the events, where it is soon found."""
FIND_WORDS = f"SELECT word FROM known_words WHERE word >= ? AND word < ? AND word GLOB ? LIMIT {MANY + 1}"


def with_words(node: Node, find: Callable[[tuple[str, str, str]], Sequence[str]]) -> Node:
    """The same with the words that are there in the place of patterns that the index does not know.

    :param find: gives what :data:`FIND_WORDS` does with these parameters.
    """
    match node:
        case All(of):
            return All(tuple(with_words(one, find) for one in of))
        case Any(of):
            return Any(tuple(with_words(one, find) for one in of))
        case Not(of):
            return Not(with_words(of, find))
        case Stars(field, pattern, False) if not _BEGINNING.fullmatch(pattern):
            begins = re.split(r"[*?]", pattern, maxsplit=1)[0]
            found = find((begins, begins + _LAST, _glob(pattern)))
            return node if len(found) > MANY else Any(tuple(Phrase(field, (word,)) for word in found))
        case _:
            return node


_LAST = "\U0010ffff"


def _glob(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def condition(node: Node) -> tuple[str, list[str]]:  # noqa: PLR0911 - one for each kind
    """What stands behind WHERE in a query of ``events``, and its parameters."""
    if matched := _matched(node):
        return "events.id IN (SELECT rowid FROM words WHERE words MATCH ?)", [matched]
    match node:
        case Literal(field, text):
            return _any_value(field, "instr({}, ?)", text)
        case Stars(field, pattern, whole):
            glob = _glob(pattern)
            return _any_value(field, "lower({}) GLOB ?", glob) if whole else _any_word(field, glob)
        case All(of):
            indexed = [one for one in of if _matched(one)]
            rest = [one for one in of if one not in indexed]
            return _joined(" AND ", [every(*indexed), *rest] if len(indexed) > 1 and rest else of, "1")
        case Any(of):
            return _joined(" OR ", of, "0")
        case Not(of):
            text, values = condition(of)
            return f"NOT {text}", values
        case _:
            return "0", []  # of a field that there is not


def _matched(node: Node) -> str:
    """What the index can be asked for in one go; empty where it cannot."""
    match node:
        case Phrase(field, wanted):
            named = f"{{{field}}} : " if field else ""
            return f'({named}"{" ".join(wanted)}")' if not field or field in FIELDS else ""
        case Stars(field, pattern, False) if _BEGINNING.fullmatch(pattern):
            named = f"{{{field}}} : " if field else ""
            return f'({named}"{pattern[:-1]}" *)' if not field or field in FIELDS else ""
        case Any(of):
            parts = [_matched(one) for one in of]
            return f"({' OR '.join(parts)})" if parts and all(parts) else ""
        case All(of):
            wanted_parts = [_matched(one) for one in of if not isinstance(one, Not)]
            unwanted = [_matched(one.of) for one in of if isinstance(one, Not)]
            if not wanted_parts or not all((*wanted_parts, *unwanted)):
                return ""
            text = f"({' AND '.join(wanted_parts)})"
            return f"({text} NOT ({' OR '.join(unwanted)}))" if unwanted else text
        case _:
            return ""


def _any_value(field: str, test: str, value: str) -> tuple[str, list[str]]:
    """One of the values of a field, or of any where none is named, passes the test."""
    tests = []
    for name in _columns(field):
        column = f"events.{name}"
        listed = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {test.format('value')})"
        tests.append(test.format(column) if name == MESSAGE else listed)
    return f"({' OR '.join(tests) or '0'})", [value] * len(tests)


def _any_word(field: str, glob: str) -> tuple[str, list[str]]:
    """One of their words is like the pattern: words have no sign that JSON would mind."""
    tests = []
    for name in _columns(field):
        listed = f"""'["' || replace({name}, ' ', '","') || '"]'"""
        tests.append(f"EXISTS (SELECT 1 FROM json_each({listed}) WHERE value GLOB ?)")
    return f"events.id IN (SELECT rowid FROM words WHERE {' OR '.join(tests) or '0'})", [glob] * len(tests)


def _columns(field: str) -> Sequence[str]:
    return FIELDS if not field else (field,) if field in FIELDS else ()


def _joined(sign: str, of: Sequence[Node], empty: str) -> tuple[str, list[str]]:
    parts = [condition(one) for one in of]
    texts = sign.join(text for text, _ in parts) or empty
    return f"({texts})", [value for _, values in parts for value in values]
