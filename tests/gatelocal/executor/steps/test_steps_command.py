"""Which test programs a command starts, as far as its words tell."""

from __future__ import annotations

import pytest

from gatelocal.executor.steps.command import hides, names_suite, starts


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("pytest", "pytest"),
        ("v/bin/py.test -q tests", "pytest"),
        ("A=1 B='x y' python3.11 -W error -m pytest", "pytest"),
        ("make build && python -m unittest -v", "unittest"),
        ("cd sub; stestr run", "stestr"),
        ("coverage run -m pytest x", "pytest"),
        ("uv run pytest", "pytest"),
        ("poetry run python -m unittest", "unittest"),
        ("nice -n 10 xvfb-run -a pytest", ""),
        ("xvfb-run -a pytest", "pytest"),
        ("true\npytest", "pytest"),
        ("python \\\n  -m pytest", "pytest"),
        ("pip install pytest", ""),
        ("which pytest", ""),
        ("echo python -m unittest", ""),
        ("python setup.py test", ""),
        ("# pytest", ""),
        ("echo 'it", ""),
        ("", ""),
    ],
)
def test_what_is_started_beyond_doubt(command: str, tool: str) -> None:
    assert starts(command) == tool


def test_what_may_be_watched_and_what_may_not_be_heard() -> None:
    assert names_suite("make x; sudo -u me pytest") and names_suite("which pytest")
    assert not names_suite("pip install -e . pytest") and not names_suite("make test")
    assert names_suite("pip install . && pytest")
    assert hides("pytest | tee x") and hides("pytest > x") and hides("x=$(pytest)") and hides("pytest || true")
    assert not hides("pytest -k 'a and b' && true")
