"""What all tests share: git that neither waits for the disk nor fills new repositories with its sample hooks."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected. The first variable is git's own, for its own tests."""
    os.environ.setdefault("GIT_TEST_FSYNC", "0")
    os.environ.setdefault("GIT_TEMPLATE_DIR", "")
