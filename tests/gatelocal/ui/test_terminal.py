"""Text from elsewhere cannot move the cursor."""

from __future__ import annotations

import io

from gatelocal.ui.terminal import Terminal


def test_output_cannot_move_the_cursor() -> None:
    out = io.StringIO()
    Terminal(out).output("a\x1b[31mb\x07\u202ec naïve 日本語")
    assert out.getvalue() == "  | abc naïve 日本語\n"


def test_an_error_is_told_in_full() -> None:
    out = io.StringIO()
    Terminal(out).error("it failed", "line one\nline \x1b[2Jtwo", "try again")
    assert out.getvalue() == "gatelocal: it failed\n    line one\n    line two\nhint: try again\n"
