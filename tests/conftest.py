"""What all tests share: git writes its files without waiting for the disk, which no test here is about."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected. The variable is git's own, for its own tests."""
    os.environ.setdefault("GIT_TEST_FSYNC", "0")
