"""The page of one run in a real browser: hostile words are text, nothing is fetched, and it fits onto a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.model.past import Excerpt, PastBuild
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.reporter.page import page
from tests.gatelocal.reporter.test_run_page import EVIL, run_of
from tests.live.browser import tab

pytestmark = pytest.mark.live


def test_the_page_of_a_run(tmp_path: Path) -> None:
    bad = TestResult(f"a.T.{EVIL}", TestStatus.FAILURE, 0.2, f"Traceback {EVIL}\nAssertionError: {'w' * 500}")
    build = BuildResult("unit", Outcome.FAILURE, 3.0, tests=(bad,), logs="/runs/r/unit", reason=EVIL)
    past = PastBuild("unit", Path("/runs/r/unit"), "FAILURE", 100.0, 101.0, 104.0)
    places = {"unit": {bad.name: Excerpt(7, (f"seven {EVIL} {'x' * 500}", "eight FAILED"), 8)}}
    file = tmp_path / "run.html"
    file.write_text(page(run_of(build, past=(past,), node=EVIL, notes=(EVIL,)), places, 0.0))
    with tab() as seen:
        asked: list[str] = []
        seen.page.on("request", lambda one: asked.append(one.url))
        seen.page.goto(file.as_uri())
        assert "FAIL" in seen.page.inner_text("h1")
        assert [one for one in asked if not one.startswith("data:")] == [file.as_uri()]
        told = seen.page.locator("details").filter(has_text="eight FAILED").last
        if told.get_attribute("open") is None:
            told.locator("summary").click()
        assert told.get_by_text("eight FAILED").is_visible()
        assert "<script>alert(1)</script>" in seen.page.inner_text("main")
        assert seen.page.locator("script, img").count() == 0
        seen.narrow()
