"""A line of a failure → a query that would know it again elsewhere: its words without those that come and go."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from gatelocal.results.fingerprints.words import words
from gatelocal.results.logs.folded import folded
from gatelocal.results.logs.named import of_file

_PHRASES = 4
_LEAST_WORDS, _LEAST_LETTERS = 2, 10


def query_for(text: str, file: str) -> str:
    """The query; empty where too few words stay the same for one.

    :param file: the log that has the line.
    """
    phrases: list[list[str]] = [[]]
    for word in words(text):
        if folded(word) == word:
            phrases[-1].append(word)
        elif phrases[-1]:
            phrases.append([])
    kept = sorted((one for one in phrases if _letters(one) > 3), key=_letters, reverse=True)[:_PHRASES]
    if sum(map(len, kept)) < _LEAST_WORDS or sum(map(_letters, kept)) < _LEAST_LETTERS:
        return ""
    asked = [f'message:"{" ".join(one)}"' for one in phrases if one in kept]
    tag = of_file(PurePosixPath(file))["tags"]
    return " AND ".join([*asked, f'tags:"{tag[1] if "console" in tag else tag[0]}"'])


def file_of(query: str, title: str) -> str:
    """The text of a fingerprint's file."""
    lines = "\n".join(f"  {line}" for line in query.replace(" AND ", " AND\n").split("\n"))
    shown = re.sub(r"[^\w .,:()/-]", "", title).strip()[:120]
    return f'query: >-\n{lines}\ntitle: "{shown}"\n'


def _letters(phrase: list[str]) -> int:
    return sum(sum(map(str.isalpha, word)) for word in phrase)
