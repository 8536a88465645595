"""Text from elsewhere cannot move the cursor."""

from __future__ import annotations

import io

from gatelocal.ui.terminal import Terminal, clean


def test_escape_sequences_and_overrides_are_dropped() -> None:
    assert clean("a\x1b[31mb\x07\u202ec\td\x9b2J") == "a[31mbc d2J"


def test_ordinary_text_of_any_script_stays() -> None:
    assert clean("naïve 日本語 ✓") == "naïve 日本語 ✓"


def test_an_error_is_told_in_full() -> None:
    out = io.StringIO()
    Terminal(out).error("it failed", "line one\nline \x1b]0;two", "try again")
    assert out.getvalue() == "gatelocal: it failed\n    line one\n    line ]0;two\nhint: try again\n"
