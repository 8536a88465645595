"""Folders put together entry by entry."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gatelocal.merger.threeway import Joined, Open, join, store
from git_review.git.trees import FOLDER, Entry, Tree

FILE, PROGRAM, LINK, MODULE = b"100644", b"100755", b"120000", b"160000"


class Trees:
    """Trees in memory, whose ids tell what is in them."""

    def __init__(self) -> None:
        self._known: dict[str, Tree] = {}

    def make(self, **entries: str | dict[str, str]) -> str:
        """Files by their contents, folders by their files; ``x:1`` is a program with the content 1."""
        rows: dict[bytes, Entry] = {}
        for name, content in entries.items():
            if isinstance(content, dict):
                rows[name.encode()] = (FOLDER, self.make(**content))
            else:
                kind, _, text = content.rpartition(":")
                rows[name.encode()] = ({"": FILE, "x": PROGRAM, "l": LINK, "m": MODULE}[kind], text)
        return self.write(rows)

    def write(self, entries: Mapping[bytes, Entry]) -> str:
        name = repr(sorted(entries.items()))
        self._known[name] = Tree(name, entries)
        return name

    def read(self, *names: str) -> tuple[Tree, ...]:
        return tuple(self._known[name] for name in names)


def joined(trees: Trees, base: dict, ours: dict, theirs: dict) -> Joined:  # type: ignore[type-arg]
    return join(trees.read, *(trees.make(**one) for one in (base, ours, theirs)))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "made"),
    [
        ({"a": "1"}, {"a": "1", "b": "1"}, {"a": "2"}, {"a": "2", "b": "1"}),
        ({"a": "1", "b": "1"}, {"b": "1"}, {"a": "1"}, {}),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}, {"a": "2"}),
        ({"a": "1", "b": "1"}, {"b": "1"}, {"b": "2"}, {"b": "2"}),
        ({"d": {"a": "1", "b": "1"}}, {"d": {"a": "2", "b": "1"}}, {"d": {"a": "1"}}, {"d": {"a": "2"}}),
        ({"d": {"a": "1", "b": "1"}}, {"d": {"a": "1"}}, {"d": {"b": "1"}}, {}),
        ({"a": "1"}, {"a": "1"}, {"a": {"x": "1"}}, {"a": {"x": "1"}}),
        ({"a": "1"}, {"a": "x:1"}, {"a": "2"}, {"a": "x:2"}),
        ({"a": "1"}, {"a": "2"}, {"a": "x:1"}, {"a": "x:2"}),
        ({"m": "m:1", "a": "1"}, {"m": "m:2", "a": "1"}, {"m": "m:1", "a": "2"}, {"m": "m:2", "a": "2"}),
    ],
)
def test_what_one_side_changed(base: dict, ours: dict, theirs: dict, made: dict) -> None:  # type: ignore[type-arg]
    trees = Trees()
    found = joined(trees, base, ours, theirs)
    assert found.undecided == ()
    assert store(trees.write, found, {}) == trees.make(**made)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "mode"),
    [
        ({"a": "1"}, {"a": "2"}, {"a": "3"}, FILE),
        ({"a": "1"}, {"a": "x:2"}, {"a": "3"}, PROGRAM),
        ({"d": {"a": "x:1"}}, {"d": {"a": "x:2"}}, {"d": {"a": "x:3"}}, PROGRAM),
        ({"a": "1"}, {"a": "2"}, {}, None),
        ({}, {"a": "1"}, {"a": "2"}, None),
        ({}, {"a": "1"}, {"a": {"x": "1"}}, None),
        ({"a": "l:1"}, {"a": "l:2"}, {"a": "l:3"}, None),
        ({"a": "m:1"}, {"a": "m:2"}, {"a": "m:3"}, None),
        ({"d": {"a": "1"}}, {}, {"d": {"a": "2"}}, None),
    ],
)
def test_what_both_changed(base: dict, ours: dict, theirs: dict, mode: bytes | None) -> None:  # type: ignore[type-arg]
    trees = Trees()
    found = joined(trees, base, ours, theirs)
    (one,) = found.undecided
    assert one.mode == mode
    if mode is not None:
        made = store(trees.write, found, {one: (mode, "united")})
        assert "united" in made and mode.decode() in made
    assert Open(None, None, None).files == ()


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "certain"),
    [
        ({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "1", "b": "2"}, True),
        ({"a": "1", "b": "1"}, {"b": "1", "c": "1"}, {"a": "1", "b": "2"}, True),
        ({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2", "b": "2"}, True),
        ({"a": "1", "b": "1"}, {"b": "1", "x": "1"}, {"b": "1", "y": "1"}, False),
        ({"b": "1"}, {"a": "1", "b": "1"}, {"a": "1", "b": "2"}, False),
        ({"d": {"a": "1", "b": "1"}}, {"d": {"b": "1"}, "x": "1"}, {"d": {"b": "1"}, "y": "1"}, False),
        ({"d": {"e": "1"}, "c": "1"}, {"d": {"e": "2"}, "c": "1"}, {"d": {"e": "2"}, "c": "2"}, False),
        ({"d": {"a": "1", "b": "1"}}, {"d": {"b": "2"}}, {"d": {"c": "1"}}, False),
    ],
)
def test_renames_that_may_have_a_say(base: dict, ours: dict, theirs: dict, certain: bool) -> None:  # type: ignore[type-arg]
    found = joined(Trees(), base, ours, theirs)
    assert (found.without_renames and not found.undecided) == certain
