"""What must be in an event for a query to be true of it: phrases, of which one at least, as patterns for RE2."""

from __future__ import annotations

import itertools
import re

from gatelocal.results.fingerprints.tree import MESSAGE, All, Any, Literal, Node, Phrase, Stars
from gatelocal.results.fingerprints.words import LONGEST

Leaf = Phrase | Literal | Stars
_BETWEEN, _NEAR = "[^A-Za-z0-9]+", "[^A-Za-z0-9]*"


def needed(node: Node) -> frozenset[Leaf]:
    """Leaves of the message, one of which must be true; the rarest choice, as far as lengths tell. Empty: none must."""
    match node:
        case All(of):
            return max(filter(None, map(needed, of)), key=_rare, default=frozenset())
        case Any(of):
            each = [needed(one) for one in of]
            return frozenset().union(*each) if all(each) else frozenset()
        case Phrase(field) | Literal(field) | Stars(field):
            return frozenset((node,)) if field == MESSAGE and pattern(node) else frozenset()
        case _:
            return frozenset()


def pattern(leaf: Leaf) -> bytes:
    """A pattern for bytes of UTF-8, upper and lower case alike, that is found wherever the leaf is true, and elsewhere.

    Empty where the leaf could be anything.
    """
    match leaf:
        case Phrase(_, words):
            parts = [_of_word(words[0])]
            for before, word in itertools.pairwise(words):
                joins = before.isascii() and word.isascii() and len(before) < LONGEST
                parts += [_BETWEEN if joins else _NEAR, _of_word(word)]
            return "".join(parts).encode("ascii")
        case Literal(_, text):
            return _of_word(text).encode("ascii")
        case Stars(_, stars, _):
            inner = re.split(r"[*?]+", stars.strip("*?"))
            return r"[^\s]*".join(_of_word(one) for one in inner).encode("ascii")


def _rare(of: frozenset[Leaf]) -> int:
    """How rare the commonest of them may be: by the signs that it has."""
    return min(len(pattern(one)) for one in of)


def _of_word(word: str) -> str:
    """Case is not known of signs beyond ASCII: any will do."""
    return "".join(re.escape(one) if one.isascii() else r"[\x80-\xff]{1,8}" for one in word)
