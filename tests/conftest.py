"""What all tests share: git that does not wait for the disk (in the fast suite it makes no sample hooks either), and
examples of Hypothesis that may take their time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected. The first variable is git's own, for its own tests."""
    os.environ.setdefault("GIT_TEST_FSYNC", "0")
    if config.getoption("markexpr") == "not live":
        os.environ.setdefault("GIT_TEMPLATE_DIR", "")
    # How long an example takes says how busy the machine is, not whether the code is right.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
