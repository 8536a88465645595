"""Topics: what refers to a bug or a blueprint, and what only looks like it; and the branch rules of former versions."""

from __future__ import annotations

import pytest

from git_review.topic import Mode, implied, of_branch, of_message


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("Fix bug 12", "bug/12"),
        ("Fix 'bug 12'", "bug/12"),
        ('Fix "bug 12" again', "bug/12"),
        ("*bug 12*, **lp 3**", "bug/12"),
        ("`bug 12`", "bug/12"),
        ("“bug 12”", "bug/12"),
        ("Implements `bp x-y`", "bp/x-y"),
        ("Fix bug 12\n\n-----Original Message-----\nlp 3", "bug/12"),
        ("Fix\n\nCloses-Bug: #34\nChange-Id: I0", "bug/34"),
        ("Fix\n\nPartial-Bug: 35", "bug/35"),
        ("Fix\n\nrelated-bug:#36", "bug/36"),
        ("Fix (LP: #1)", "bug/1"),
        ("lp 7", "bug/7"),
        ("LP#7: crash", "bug/7"),
        ("BUG #8.", "bug/8"),
        ("bug 1, bug 2", "bug/1"),
        ("bp x before bug 3", "bug/3"),
        ("Implements: blueprint foo-bar.", "bp/foo-bar"),
        ("x\n\nPartially-Implements: bp a_b.c", "bp/a_b.c"),
        ("Blueprint: #New-Thing", "bp/New-Thing"),
        ('Revert "Fix bug 12"\n\nThis reverts commit 0.\n\nCloses-Bug: 99', "bug/99"),
    ],
)
def test_references(message: str, topic: str) -> None:
    assert of_message(message) == topic


@pytest.mark.parametrize(
    "message",
    [
        "debug 3",
        "bugfix",
        "bugfix 3",
        "help 12",
        "lp0",
        "bug12",
        "bugs 12",
        "bug\n12",
        "bug",
        "blueprint",
        "a 3rd bug 3rd",
        "see https://bugs.example.org/bug/12 and http://x/lp:13",
        "http://example.org/?q=bug:14",
        'Revert "Fix bug 12"\n\nThis reverts commit 0.',
        'Reapply "Revert "Fix bug 12""',
        "Revert 'Fix bug 12'",
        "Revert 'Don't fix bug 12'",
        "Revert `Fix bug 12`",
        "Revert “Fix bug 12”",
        "dont'bug 12",
        "Undo\n\n-----Original Message-----\nFrom: Bob\nCloses-Bug: 12",
        "Undo\n\n---- Forwarded message ----\nbug 12",
        "Undo\n\n> Closes-Bug: 12\n> bp x",
        "Undo\n\n    Closes-Bug: 12",
        "Undo\n\n| bug 12",
        "",
    ],
)
def test_false_friends(message: str) -> None:
    assert of_message(message) is None


@pytest.mark.parametrize(
    ("branch", "topic"),
    [
        (None, None),
        ("feature", "feature"),
        ("review/ann/thing", "thing"),
        ("review/ann/a/b", "a/b"),
        ("review/ann/123", None),
        ("review/123", None),
        ("review/123-patch4", None),
    ],
)
def test_branches(branch: str | None, topic: str | None) -> None:
    assert of_branch(branch) == topic


def test_modes() -> None:
    assert implied(Mode.MESSAGE, "bug 1", "b", "main") == "bug/1"
    assert implied(Mode.MESSAGE, "x", "b", "main") is None
    assert implied(Mode.BRANCH, "x", "b", "main") == "b"
    assert implied(Mode.BRANCH, "bug 1", "b", "main") == "bug/1"
    assert implied(Mode.BRANCH, "x", "main", "main") is None
    assert implied(Mode.MESSAGE, "bug 1", "b", "bug/1") is None
    assert implied(Mode.NONE, "bug 1", "b", "main") is None
