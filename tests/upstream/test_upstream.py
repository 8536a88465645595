"""git-review 2.5.0's own functional tests pass with this project's command, their assertions unedited."""

from __future__ import annotations

import pytest

from gatelocal.sandbox.server import Server
from tests.live.conftest import gerrit_server
from tests.upstream.harness import run

__all__ = ["gerrit_server"]

pytestmark = [pytest.mark.live, pytest.mark.gerrit]

SKIPPED_BY_UPSTREAM = "PushUrlTestCase.test_config_pushinsteadof_honored"


def test_upstreams_functional_tests(gerrit_server: Server) -> None:
    report = run(gerrit_server, workers=2)
    assert report.failed == {}, report.line
    assert (len(report.passed), report.skipped) == (116, (SKIPPED_BY_UPSTREAM,))
