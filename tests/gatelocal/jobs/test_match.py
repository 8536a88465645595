"""Zuul's matchers."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.match import branch_matches, matchers, relevant


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
        ([], "master", True),
    ],
)
def test_branches(value: object, branch: str, expected: bool) -> None:
    assert branch_matches(matchers(value, "f:1"), branch) is expected


@pytest.mark.parametrize("value", [3, {"negate": True}, "(", ["ok", None]])
def test_what_is_no_matcher_is_an_error_with_its_place(value: object) -> None:
    with pytest.raises(ConfigurationError, match="f:1"):
        matchers(value, "f:1")


@pytest.mark.parametrize(
    ("files", "irrelevant", "changed", "rule"),
    [
        ([], [], ["a.py"], ""),
        (["^doc/"], [], ["a.py"], "files"),
        (["^doc/"], [], ["a.py", "doc/x"], ""),
        ([], [r"^.*\.rst$", "^doc/"], ["README.rst", "doc/x"], "irrelevant-files"),
        ([], [r"^.*\.rst$"], ["README.rst", "a.py"], ""),
        ([], [r"^.*\.rst$"], ["/COMMIT_MSG", "README.rst"], "irrelevant-files"),
        (["^doc/"], ["^doc/"], [], ""),  # a merge commit: nobody knows its files
        (["^doc/"], ["^doc/"], None, ""),
        (["^doc/"], [], ["/COMMIT_MSG"], ""),
    ],
)
def test_files(files: list[str], irrelevant: list[str], changed: list[str] | None, rule: str) -> None:
    assert relevant(matchers(files, ""), matchers(irrelevant, ""), changed) == rule
