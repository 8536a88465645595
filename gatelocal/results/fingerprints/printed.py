"""A query's tree → text for Lucene, as OpenSearch and Elasticsearch take it; nothing is sent.

What is printed means the same to Lucene as the tree does: each group has its parentheses and joins of one kind only.
"""

from __future__ import annotations

import re

from gatelocal.results.fingerprints.tree import All, Any, Literal, Node, Not, Phrase, Stars

KEYWORD = ".keyword"
"""What those servers add to a field's name for its value as one word, which whole patterns and bare signs are of."""

_SPECIAL = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|\s])')
_IN_PATTERN = re.compile(r'([+\-!(){}\[\]^"~:\\/&|\s])')
_EVERYTHING = "*:*"


def lucene(node: Node, keyword: str = KEYWORD) -> str:
    """The query as text.

    :param keyword: what is added to a field's name for its value as one word.
    """
    match node:
        case Phrase(field, words):
            return f'{_named(field)}"{" ".join(words)}"'
        case Literal(field, text):
            return f"{_named(f'{field}{keyword}' if field else '')}*{_SPECIAL.sub(_escaped, text)}*"
        case Stars(field, pattern, whole):
            name = f"{field}{keyword}" if whole and field else field
            return _named(name) + _IN_PATTERN.sub(_escaped, pattern)
        case All(of):
            wanted = [lucene(one, keyword) for one in of if not isinstance(one, Not)] or [_EVERYTHING]
            unwanted = [f"NOT {lucene(one.of, keyword)}" for one in of if isinstance(one, Not)]
            return _joined(" AND ", [*wanted, *unwanted])
        case Any(of):
            return _joined(" OR ", [lucene(one, keyword) for one in of]) if of else f"(NOT {_EVERYTHING})"
        case Not(of):
            return f"({_EVERYTHING} AND NOT {lucene(of, keyword)})"


def _joined(sign: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({sign.join(parts)})"


def _named(field: str) -> str:
    return f"{_SPECIAL.sub(_escaped, field)}:" if field else ""


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}"
