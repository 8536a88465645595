"""Zuul's matchers."""

from __future__ import annotations

import sys

import pytest

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.jobs.zuul.match import any_matches, matchers, relevant
from tests.patience import within


@pytest.mark.parametrize(
    ("value", "branch", "expected"),
    [
        ("master", "master", True),
        ("master", "master-2", True),  # Zuul matches from the beginning, not the whole
        ("^master$", "master-2", False),
        (["^stable/.*$", "master"], "stable/1.0", True),
        ({"regex": "^stable/.*$", "negate": True}, "stable/1.0", False),
        ({"regex": "^stable/.*$", "negate": True}, "master", True),
        (r"^stable/\pN+\.\pN+$", "stable/12.0", True),  # RE2 alone knows \pN
        (
            {"regex": "^*/(victoria|zed)$", "negate": True},
            "stable/zed",
            True,
        ),  # lives in openstack-tox; matches nothing
        ([], "master", False),
    ],
)
def test_branches(value: object, branch: str, expected: bool) -> None:
    assert any_matches(matchers(value, "f:1"), branch) is expected


@pytest.mark.parametrize("value", [3, {"negate": True}, "(", ["ok", None]])
def test_what_is_no_matcher_is_an_error_with_its_place(value: object) -> None:
    with pytest.raises(ConfigurationError, match="f:1"):
        matchers(value, "f:1")


@pytest.mark.parametrize(
    ("files", "irrelevant", "changed", "rule"),
    [
        (None, [], ["a.py"], ""),
        ([], [], ["a.py"], "files"),  # an empty list is a list: nothing matches it
        (["^doc/"], [], ["a.py"], "files"),
        (["^doc/"], [], ["a.py", "doc/x"], ""),
        (None, [r"^.*\.rst$", "^doc/"], ["README.rst", "doc/x"], "irrelevant-files"),
        (None, [r"^.*\.rst$"], ["README.rst", "a.py"], ""),
        (None, [r"^.*\.rst$"], ["/COMMIT_MSG", "README.rst"], "irrelevant-files"),
        (["^doc/"], ["^doc/"], [], ""),  # a merge commit: nobody knows its files
        (["^doc/"], ["^doc/"], None, ""),
        (["^doc/"], [], ["/COMMIT_MSG"], ""),
    ],
)
def test_files(files: list[str] | None, irrelevant: list[str], changed: list[str] | None, rule: str) -> None:
    wanted = None if files is None else matchers(files, "")
    assert relevant(wanted, matchers(irrelevant, ""), changed) == rule


def test_a_pattern_that_would_backtrack_for_ever_takes_no_time() -> None:
    (matcher,) = matchers("^(([a-z])+.)+[A-Z]([a-z])+$", "f:1")
    with within(1):
        assert not any_matches([matcher], "a" * 50_000)


@pytest.mark.parametrize("pattern", ["(?!x)", r"(a)\1", "a{5000}", "x" * 10_001])
def test_what_re2_does_not_take_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="f:1: not a regular expression"):
        matchers(pattern, "f:1")


def test_without_re2_there_is_a_clear_error_and_no_other_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(InfrastructureError) as caught:
        matchers("^never-compiled-before$", "f:1")
    assert "google-re2" in caught.value.hint


def test_a_name_that_is_no_text_can_be_matched() -> None:
    assert relevant(None, matchers("^doc/", ""), ["doc/\udcff"]) == "irrelevant-files"
