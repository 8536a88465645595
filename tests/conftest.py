"""What all tests share: git that does not wait for the disk (in the fast suite it makes no sample hooks either),
examples of Hypothesis that may take their time, and signals that programs hear.
"""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import images
from gatelocal.launcher.providers import nspawn
from tests.postgresql import INSTALLED, PostgreSql, running


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected. The first variable is git's own, for its own tests."""
    os.environ.setdefault("GIT_TEST_FSYNC", "0")
    if config.getoption("markexpr") == "not live":
        os.environ.setdefault("GIT_TEMPLATE_DIR", "")
    # How long an example takes says how busy the machine is, not whether the code is right.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    # Whoever starts the tests in the background, or under nohup, has these ignored, and programs would inherit that.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a container is for machines where one can be made: that is tried, and remembered."""
    if item.get_closest_marker("nspawn") is not None and (why_not := _why_no_container()):
        pytest.skip(why_not)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A real PostgreSQL of this process's own; each test takes a database of its own from it."""
    if INSTALLED is None:
        pytest.skip("there is no PostgreSQL: its package is not installed")
    with running(Path(tempfile.gettempdir()) / f"pg-{secrets.token_hex(4)}") as server:
        yield server


def _why_no_container() -> str:
    try:
        return nspawn.why_not(images.below(directories(os.environ).cache))
    except InfrastructureError as error:
        return error.brief
