"""What all tests share: git that does not wait for the disk; in the fast suite it makes no sample hooks either."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected. The first variable is git's own, for its own tests."""
    os.environ.setdefault("GIT_TEST_FSYNC", "0")
    if config.getoption("markexpr") == "not live":
        os.environ.setdefault("GIT_TEMPLATE_DIR", "")
