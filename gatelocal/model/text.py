"""Text that came from elsewhere, made safe to show on a terminal; it decides nothing about what is said.

What programs print is cleaned; names are written out, so that two that differ look different.
"""

from __future__ import annotations

import re
import unicodedata

LINE_LIMIT = 1 << 16
"""Bytes of a line of a program's output that are kept; a longer one ends with how much is missing."""

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, clipboard, links
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, not even as references."""
_HARMLESS = re.compile(r"[\t -~]*")


def visible(text: str) -> str:
    """A name, or a sentence with names in it, on one line: what is no printable character is written out.

    A line break is shown as ``\\n``, an escape character as ``\\x1b``, a bidirectional mark as ``\\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def plain(text: str) -> str:
    """One line of a program's output without escape sequences, control and format characters; tabs stay."""
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(char for char in _SEQUENCES.sub("", text) if char == "\t" or not _is_control(char))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
