"""A query as it is written → what it asks for, as its author meant it or as Lucene takes it; it compares nothing.

Lucene has no precedence: AND makes the parts on both sides required, OR leaves its part optional, and optional parts do
not count beside required ones. Where that is other than what a reader would think, the reading that is meant is the
usual one (NOT before AND before OR), and a notice says so.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from gatelocal.model.record import dataclass
from gatelocal.results.fingerprints.tree import (
    FIELDS,
    MESSAGE,
    All,
    Any,
    Literal,
    Node,
    Not,
    Phrase,
    Stars,
    every,
    some,
)
from gatelocal.results.fingerprints.words import words
from gatelocal.results.fingerprints.written import Group, NotAQuery, Part, Value, parse, unescaped, values

VOTING = "voting"
NOTHING = Any(())


@dataclass(frozen=True, slots=True)
class Notice:
    """What Lucene reads otherwise than it is meant. :ivar at: in characters from the beginning of the query."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read. :ivar asks: what it asks for. :ivar notices: in the order of their places."""

    text: str
    asks: Node
    notices: tuple[Notice, ...] = ()


def meant(text: str, *, voting: bool = False) -> Query:
    """The query as it is meant.

    :param voting: it is to be kept to builds that vote, as elastic-recheck keeps all: by words that it appends.
    :raises NotAQuery: it is none.
    """
    group = parse(text)
    notices = [*_of_values(group), *_of_groups(group)]
    if voting and any(part.joined != "AND" for part in group.parts[1:]):
        said = f'" AND {VOTING}:1", which is appended, would be of its last part alone: it is of the whole here'
        notices.append(Notice(group.parts[-1].of.at, said))
    asks = _meant_group(group)
    found = every(asks, Phrase(VOTING, ("1",))) if voting else asks
    return Query(text, found, tuple(sorted(notices, key=lambda one: one.at)))


def as_lucene(text: str, *, voting: bool = False) -> Query:
    """The query as Lucene takes it, with those words appended.

    :raises NotAQuery: it is none, or none to Lucene.
    """
    whole = f"{text.rstrip()} AND {VOTING}:1" if voting else text
    group = parse(whole)
    for one in values(group):
        if not one.quoted and re.search(r"(?<!\\)/", one.text):
            raise NotAQuery("to Lucene, a slash begins a regular expression", whole, one.at, "quote it")
    return Query(text, _lucene_group(group) or NOTHING)


# ---- as it is meant


def _meant_group(group: Group) -> Node:
    """OR parts what AND joins; parts just beside one another are joined as :func:`_beside` says."""
    beside = _beside(group)
    if beside == "OR" and not any(part.joined for part in group.parts):
        kept = [(part.mark, _meant(Part("", "", part.of))) for part in group.parts]
        return _chosen(kept) if any(mark != "NOT" for mark, _ in kept) else every(*(Not(one) for _, one in kept))
    arms: list[list[Node]] = []
    for part in group.parts:
        joined = part.joined or ("AND" if part.mark == "NOT" else beside)
        if arms and joined == "AND":
            arms[-1].append(_meant(part))
        else:
            arms.append([_meant(part)])
    return some(*(every(*arm) for arm in arms))


def _meant(part: Part) -> Node:
    found = _meant_group(part.of) if isinstance(part.of, Group) else _meant_value(part.of)
    return Not(found) if part.mark == "NOT" else found


def _beside(group: Group) -> str:
    """What joins parts that stand just beside one another: OR for values of one field, as in Lucene; AND otherwise.

    A tag beside a message, and any part in a group that has an AND, is there to make it narrower; but whoever writes
    ``+`` knows Lucene's rule.
    """
    fields = {_field(part.of) for part in group.parts}
    knows = any(part.mark == "+" for part in group.parts) and not any(part.joined for part in group.parts)
    narrower = len(fields) > 1 or any(part.joined == "AND" for part in group.parts)
    return "AND" if narrower and not knows else "OR"


def _field(of: Value | Group) -> str:
    if isinstance(of, Value):
        return of.field
    found = {_field(part.of) for part in of.parts}
    return found.pop() if len(found) == 1 else "(several)"


def _meant_value(value: Value) -> Node:
    text = unescaped(value.text, meant=True)
    if _is_all(value):
        return All(())
    if value.has_stars:
        return Stars(value.field, _pattern(value.text), value.field not in (MESSAGE, ""))
    found = words(text)
    return Phrase(value.field, found) if found else Literal(value.field, text.strip())


def _is_all(value: Value) -> bool:
    """Whether it is ``*:*``, which is everything."""
    return (value.field, value.text, value.quoted) == ("*", "*", False)


def _pattern(text: str) -> str:
    """Stars and question marks stay what they are; an escaped one becomes a question mark, which takes it too."""
    bare = re.sub(r"\\([*?])", "?", text)
    return unescaped(bare, meant=False).lower()


# ---- as Lucene takes it


def _lucene_group(group: Group) -> Node | None:
    """Lucene's own rule; None for what it drops."""
    kept = _lucene_parts(group)
    return _chosen(kept) if kept else None


def _lucene_parts(group: Group) -> list[tuple[str, Node]]:
    """The same part by part, each with what Lucene marks it by."""
    kept: list[tuple[str, Node]] = []
    for part in group.parts:
        if part.joined == "AND" and kept and kept[-1][0] != "NOT":
            kept[-1] = ("+", kept[-1][1])
        found = _lucene_group(part.of) if isinstance(part.of, Group) else _lucene_value(part.of)
        if found is not None:
            mark = part.mark or ("+" if part.joined == "AND" else "")
            kept.append((mark, found))
    return kept


def _chosen(kept: Sequence[tuple[str, Node]]) -> Node:
    """Lucene's choice by marks: all parts with +, else one of those without; none of those with NOT."""
    needed = [one for mark, one in kept if mark == "+"]
    optional = [one for mark, one in kept if not mark]
    unwanted = [Not(one) for mark, one in kept if mark == "NOT"]
    if needed:
        return every(*needed, *unwanted)
    return every(some(*optional), *unwanted) if optional else NOTHING


def _lucene_value(value: Value) -> Node | None:
    if _is_all(value):
        return All(())
    if value.has_stars:
        return Stars(value.field, _pattern(value.text), False)
    found = words(unescaped(value.text, meant=False))
    if not found:
        return None
    return Phrase(value.field, found) if value.quoted else some(*(Phrase(value.field, (word,)) for word in found))


# ---- what is said


def _of_values(group: Group) -> list[Notice]:
    found = []
    for one in values(group):
        if _is_all(one):
            continue
        if not one.field:
            found.append(Notice(one.at, "no field is named: it is looked for in all of them"))
        elif one.field not in FIELDS:
            near = difflib.get_close_matches(one.field[:100], FIELDS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(Notice(one.at, f"there is no field {one.field[:100]!r}, so this is never true{hint}"))
        if one.has_stars and one.field not in (MESSAGE, ""):
            found.append(Notice(one.at, "the stars are of the whole value here, of one of its words to Lucene"))
        elif one.has_stars and len(words(re.sub(r"[*?]+", "x", one.text))) != 1:
            found.append(Notice(one.at, "it has signs that part words, and no word is like it: this is never true"))
        elif not one.has_stars:
            found += _of_text(one)
    return found


def _of_text(one: Value) -> list[Notice]:
    known = words(unescaped(one.text, meant=True))
    if not known:
        return [Notice(one.at, "it has no words, so Lucene leaves it out: these very signs are looked for here")]
    said = []
    if re.search(r"(?<!\\)(?:\\\\)*\\[nrt]", one.text):
        said.append(Notice(one.at, "to Lucene, \\n, \\r and \\t are the letters n, r and t: they are blanks here"))
    if not one.quoted and re.search(r"(?<!\\)/", one.text):
        said.append(Notice(one.at, "Lucene takes no slash outside of quotes: it is read as if it were quoted"))
    elif not one.quoted and len(known) > 1:
        said.append(Notice(one.at, "without quotes, one of its words is enough for Lucene: all are wanted here"))
    return said


def _of_groups(group: Group) -> list[Notice]:
    found = []
    parts = group.parts
    joins = [part.joined or ("AND" if part.mark == "NOT" else _beside(group)) for part in parts[1:]]
    if "AND" in joins and "OR" in joins:
        told = "an AND beside an OR, without parentheses: to Lucene, what OR joins does not count then"
        found.append(Notice(group.at, told))
    elif "AND" in joins and {"", "+"} <= {mark for mark, _ in _lucene_parts(group)}:
        told = "a NOT without an AND before it: to Lucene, what stands before does not count beside what AND joins"
        found.append(Notice(group.at, told))
    if all(part.mark == "NOT" for part in parts):
        found.append(
            Notice(group.at, "there is nothing but NOT, which finds nothing to Lucene: all else is meant here")
        )
    elif "OR" in joins and any(part.mark for part in parts) and any(part.joined for part in parts):
        told = "OR beside NOT or +: to Lucene, what those name is never or always wanted, whatever OR joins"
        found.append(Notice(group.at, told))
    if any(not part.joined and not part.mark for part in parts[1:]) and _beside(group) == "AND":
        found.append(Notice(group.at, "parts just beside one another: one is enough for Lucene, all are wanted here"))
    for part in parts:
        if isinstance(part.of, Group):
            found += _of_groups(part.of)
    return found
