"""Text → the words that a search knows it by, as Lucene's standard analysis has them; nothing is compared.

Words are lower-case. A dot, a colon or an apostrophe between two letters joins them, so does a dot or a comma between
two digits, and an underscore anywhere; every other sign parts words and is forgotten. Signs of Chinese, Japanese and
Thai are a word each, which is all that is known here of scripts without blanks.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 255
"""Characters of a word; a longer one is several."""

_MARK = "[\u0300-\u036f\u200c\u200d\ufe00-\ufe0f]*"
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u309f\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTER = rf"(?:[^\W\d_{_ALONE}]{_MARK})"
_DIGIT = rf"(?:\d{_MARK})"
_JOINS = r"[.'\u2018\u2019\u2024\uff07\uff0e]"
_LETTERS = rf"{_LETTER}(?:(?:_*|{_JOINS}|[:\u00b7\u2027]){_LETTER})*"
_DIGITS = rf"{_DIGIT}(?:(?:_*|{_JOINS}|[,;\u066c]){_DIGIT})*"
_PART = rf"(?:{_DIGITS}|{_LETTERS})+"
_WORD = re.compile(rf"_*{_PART}(?:_+{_PART})*_*|[{_ALONE}]{_MARK}")
# The same for text of ASCII, which nearly all is: several times as quick.
_ASCII_DIGITS = r"[0-9]+(?:(?:_+|[.',;])[0-9]+)*"
_ASCII_LETTERS = r"[A-Za-z]+(?:(?:_+|[.':])[A-Za-z]+)*"
_ASCII_PART = rf"(?:{_ASCII_DIGITS}|{_ASCII_LETTERS})+"
_ASCII = re.compile(rf"_*{_ASCII_PART}(?:_+{_ASCII_PART})*_*")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    found = (_ASCII if text.isascii() else _WORD).findall(text)
    if any(len(word) > LONGEST for word in found):
        found = [word[start : start + LONGEST] for word in found for start in range(0, len(word), LONGEST)]
    return tuple(word.lower() for word in found)


@lru_cache(maxsize=4096)
def known_words(text: str) -> tuple[str, ...]:
    """The same, remembered: for names that come again and again, not for lines."""
    return words(text)


def follow(text: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether the wanted words stand in the text, one after the other."""
    if not wanted:
        return False
    first, count = wanted[0], len(wanted)
    start = 0
    while True:
        try:
            start = text.index(first, start)
        except ValueError:
            return False
        if text[start : start + count] == wanted:
            return True
        start += 1
