"""Which recorded tests somebody means."""

from __future__ import annotations

import pytest

from gatelocal.results.meant import matching, near

KNOWN = ("tests.test_a.T.test_x", "tests.test_a.T.test_y[1]", "tests.test_a.T.test_y[2]", "tests.test_b.test_x")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("tests.test_b.test_x", KNOWN[3:]),
        ("tests/test_b.py::test_x", KNOWN[3:]),
        ("tests.test_a.T.test_y", KNOWN[1:3]),
        ("tests/test_a.py::T::test_y[2]", KNOWN[2:3]),
        ("tests.test_a.T", KNOWN[:3]),
        ("tests/test_a.py", KNOWN[:3]),
        ("tests", KNOWN),
        ("tests.test_a.T.test", ()),
        ("test_x", ()),
    ],
)
def test_a_test_its_parameters_its_class_or_its_module(asked: str, found: tuple[str, ...]) -> None:
    assert matching(asked, KNOWN) == found


def test_what_may_have_been_meant() -> None:
    assert list(near("test_x", KNOWN)) == ["tests.test_a.T.test_x", "tests.test_b.test_x"]
    assert near("tests.test_a.T.test_xx", KNOWN)[0] == "tests.test_a.T.test_x"
