"""What a line says, without what is other in every run: ids, addresses, times and numbers become one mark each."""

from __future__ import annotations

import hashlib
import re

_HEX = "[0-9a-fA-F]"
_MARKS = re.compile(
    rf"(?P<id>\b(?:req-)?{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b)"
    rf"|(?P<mac>\b{_HEX}{{2}}(?::{_HEX}{{2}}){{5}}\b)"
    r"|(?P<addr>\b\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?\b"
    rf"|(?<![\w:]){_HEX}{{1,4}}(?::{_HEX}{{0,4}}){{2,7}}(?:/\d+)?(?![\w:]))"
    rf"|(?P<hex>\b0x{_HEX}+\b|\b(?=[a-fA-F]*\d){_HEX}{{8,}}\b|\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9_]{{20,}}\b)"
    r"|(?P<place>/(?:tmp|var/tmp|dev/shm)/[^\s'\",:;)]+)"
    r"|(?P<n>\d+(?:\.\d+)?)"
)
_BLANKS = re.compile(r"\s+")
LONGEST = 1000
"""Characters of a line that are looked at."""


def folded(text: str) -> str:
    """The text of a line with marks instead of what comes and goes, in one form for its blanks."""
    return _BLANKS.sub(" ", _MARKS.sub(_mark, text[:LONGEST])).strip()


def digest(text: str) -> int:
    """A number of 63 bits for a folded text, the same everywhere: what is kept of what was said."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


def _mark(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"
