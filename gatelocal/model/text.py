"""Text that came from elsewhere, made safe to show on a terminal; it decides nothing about what is said."""

from __future__ import annotations

import re
import unicodedata

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, clipboard, links
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_HARMLESS = re.compile(r"[\t -~]*")


def plain(text: str) -> str:
    """One line without escape sequences, control and format characters (bidirectional marks too); tabs stay."""
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(char for char in _SEQUENCES.sub("", text) if char == "\t" or not _is_control(char))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
