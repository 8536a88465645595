"""Zuul's rule for `Depends-On` lines."""

from __future__ import annotations

import pytest

from gatelocal.depends.footers import depends_on

URL = "https://review.example.org/c/demo/lib/+/12"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"Subject\n\nDepends-On: {URL}\n", (URL,)),
        (f"Subject\n\ndepends-ON: {URL}  \t\n", (URL,)),
        (f"Subject\r\n\r\nDepends-On: {URL}\r\nChange-Id: I1\r\n", (URL,)),
        (f"Depends-On: {URL}\n\nin the subject and once more\n\nDepends-On: {URL}", (URL,)),
        ("S\n\nDepends-On: b\nDepends-On: a\nDepends-On: b\n\nDepends-On: c\n", ("b", "a", "c")),
        (f"Subject\n\n Depends-On: {URL}\n> Depends-On: {URL}\n", ()),
        (f"Subject\n\nDepends-On:{URL}\n", (URL,)),
        (f"Subject\n\ndepends-on:\t{URL}\n", (URL,)),
        (f"Subject\n\nDepends-On {URL}\nDepends-On : {URL}\n", ()),
        ("Subject\n\nDepends-On:\nDepends-On: \nDepends-On: \t \nnext line\n", ()),
        ("", ()),
    ],
)
def test_lines(message: str, found: tuple[str, ...]) -> None:
    assert depends_on(message) == found
