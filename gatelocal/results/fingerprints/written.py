"""A fingerprint's query as it is written: text → parts with what stands between them; what it means is told elsewhere.

The language is that of Lucene's classic query parser as far as elastic-recheck's fingerprints have ever used it:
phrases with escapes, words with stars, ``field:``, parentheses, AND OR NOT with their signs, ``+`` and ``-``. What
it has besides (ranges, regular expressions, fuzzy words, boosts) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatelocal.model.record import dataclass

LONGEST = 100_000
_DEEPEST = 100
_BLANKS = " \t\r\n\u3000"
_SIGNS = {"&&": "AND", "||": "OR", "!": "NOT"}
_TOKEN = re.compile(
    rf"(?P<blank>[{_BLANKS}]+)"
    r"|(?P<phrase>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<sign>&&|\|\||[!+()-]|:)"
    r"|(?P<word>(?:[^\s+\-!():^\[\]\"{}~\\\u3000]|\\.)(?:[^\s!():^\[\]\"{}~\\\u3000]|\\.)*)",
    re.DOTALL,
)
_REFUSED = {
    "[": "ranges are not read",
    "{": "ranges are not read",
    "~": "fuzzy words and loose phrases are not read",
    "^": "boosts are not read",
    '"': "the quote is never closed",
    "]": "there is no range that this could end",
    "}": "there is no range that this could end",
    "\\": "nothing follows the backslash",
}


class NotAQuery(Exception):
    """The text is no query. :ivar at: the place, in characters from the beginning. :ivar near: what stands there."""

    def __init__(self, problem: str, text: str, at: int, hint: str = "") -> None:
        self.problem, self.at, self.near, self.hint = problem, at, text[at : at + 30], hint
        near = f", before {self.near!r}" if self.near else ", at the end"
        super().__init__(f"{problem} (character {at + 1}{near})")


@dataclass(frozen=True, slots=True)
class Value:
    """What a field should be.

    :ivar text: as it is written, with its escapes, without its quotes. :ivar field: empty where none is named.
    :ivar at: where it stands.
    """

    field: str
    text: str
    quoted: bool
    at: int

    @property
    def has_stars(self) -> bool:
        """Whether stars or question marks stand for any letters in it."""
        return not self.quoted and bool(re.search(r"[*?]", re.sub(r"\\.", "", self.text, flags=re.DOTALL)))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a group. :ivar joined: ``AND``, ``OR``, or empty: just beside the one before.

    :ivar mark: ``NOT`` (also for ``-`` and ``!``), ``+``, or empty.
    """

    joined: str
    mark: str
    of: Value | Group


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between parentheses, or the whole. :ivar at: where it begins."""

    parts: tuple[Part, ...]
    at: int = 0


def values(group: Group) -> Iterator[Value]:
    """All values of a group and of those in it, in the order in which they stand."""
    for part in group.parts:
        if isinstance(part.of, Value):
            yield part.of
        else:
            yield from values(part.of)


def parse(text: str) -> Group:
    """Read a query. :raises NotAQuery: it is none."""
    if len(text) > LONGEST:
        raise NotAQuery(f"it is longer than {LONGEST} characters", text, LONGEST)
    reader = _Reader(text, list(_tokens(text)))
    found = reader.group("", 0)
    if reader.kind != "end":
        raise NotAQuery("a parenthesis is closed that was never opened", text, reader.at)
    return found


def unescaped(text: str, *, meant: bool) -> str:
    """The text without its backslashes. :param meant: ``\\n``, ``\\r`` and ``\\t`` are blanks, not the letters."""

    def sign(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        return " " if meant and found[2] in "nrt" else str(found[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", sign, text, flags=re.DOTALL)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotAQuery(_REFUSED.get(text[at], "this is not read here"), text, at)
        kind, word = str(found.lastgroup), found[0]
        if kind == "word" and word in ("AND", "OR", "NOT"):
            yield word, word, at
        elif kind == "sign":
            name = _SIGNS.get(word, word)
            yield name, word, at
        elif kind == "word" and re.fullmatch(r"/.*/", word):
            raise NotAQuery("regular expressions are not read", text, at, "write the words, or escape the slashes")
        elif kind != "blank":
            yield kind, word, at
        at = found.end()
    yield "end", "", at


class _Reader:
    """Goes through the tokens once, from left to right."""

    def __init__(self, text: str, tokens: list[tuple[str, str, int]]) -> None:
        self._text, self._tokens, self._next, self._depth = text, tokens, 0, 0

    @property
    def kind(self) -> str:
        """What comes next."""
        return self._tokens[self._next][0]

    @property
    def at(self) -> int:
        """Where that stands."""
        return self._tokens[self._next][2]

    def group(self, field: str, at: int) -> Group:
        """Parts up to the end, or to a parenthesis that closes."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotAQuery(f"parentheses stand more than {_DEEPEST} deep", self._text, at)
        parts: list[Part] = []
        while self.kind not in ("end", ")"):
            joined = self._taken("AND", "OR") if parts else ""
            mark = self._mark()
            parts.append(Part(joined, mark, self._of(field)))
        if not parts:
            raise NotAQuery("there is nothing to look for", self._text, self.at)
        self._depth -= 1
        return Group(tuple(parts), at)

    def _of(self, field: str) -> Value | Group:
        kind, word, at = self._tokens[self._next]
        if kind == "word" and self._tokens[self._next + 1][0] == ":":
            self._next += 2
            if self._tokens[self._next][0] == "word" and self._tokens[self._next + 1][0] == ":":
                raise NotAQuery("a field is named where its value should stand", self._text, self.at)
            return self._of(unescaped(word, meant=False))
        if kind == "(":
            self._next += 1
            found = self.group(field, at)
            if self.kind != ")":
                raise NotAQuery("the parenthesis is never closed", self._text, at)
            self._next += 1
            return found
        if kind not in ("phrase", "word"):
            what = f"{word} stands where a word or a phrase should" if word else "a word or a phrase is missing"
            raise NotAQuery(what, self._text, at)
        self._next += 1
        return Value(field, word[1:-1] if kind == "phrase" else word, kind == "phrase", at)

    def _mark(self) -> str:
        found = self._taken("NOT", "-", "+")
        return "NOT" if found == "-" else found

    def _taken(self, *kinds: str) -> str:
        kind = self.kind
        if kind not in kinds:
            return ""
        self._next += 1
        return kind
