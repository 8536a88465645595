"""Which files keep a node that stands ready from being given other trees."""

from __future__ import annotations

import pytest

from gatelocal.jobs.renewable import why_not


@pytest.mark.parametrize(
    "path",
    [
        "requirements.txt",
        "test-requirements.txt",
        "requirements/dev.txt",
        "doc/requirements.txt",
        "upper-constraints.txt",
        "setup.cfg",
        "pyproject.toml",
        "tox.ini",
        "bindep.txt",
        "tools/test-setup.sh",
        "tools/anything",
        "sub/package.json",
        "Makefile",
        "poetry.lock",
        "gatelocal.yaml",
        ".zuul.d/jobs.yaml",
        "src/fast.c",
    ],
)
def test_what_a_preparation_may_be_made_from(path: str) -> None:
    assert why_not(["app/code.py", path]) == path


def test_code_tests_and_texts_are_none_of_it() -> None:
    assert (
        why_not(["app/code.py", "tests/test_setup.py", "README.rst", "doc/source/makefile.rst", "app/tools.py"]) == ""
    )
