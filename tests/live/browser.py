"""A real browser without a window, which notices whatever a page does wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

PHONE = 360
"""Pixels of the narrowest screen that a page has to be readable on."""


@dataclass(slots=True)
class Tab:
    """One tab. :ivar wrong: what went wrong in it: errors on its console, scripts that broke off, dialogs."""

    page: Any
    wrong: list[str] = field(default_factory=list)

    def narrow(self) -> None:
        """Whatever is shown fits onto a phone."""
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": PHONE, "height": 640})
        widest = self.page.evaluate("document.documentElement.scrollWidth")
        assert widest <= PHONE, f"{self.page.url} is {widest} pixels wide"
        self.page.set_viewport_size(size)


@contextmanager
def tab(*about: str) -> Iterator[Tab]:
    """Open one; in the end nothing may have gone wrong. :param about: only what has one of these words counts."""
    module = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or pytest.skip("there is no chromium")
    with module.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        found = Tab(chromium.new_page())

        def wrong(words: str) -> None:
            if not about or any(one in words for one in about):
                found.wrong.append(words)

        found.page.on("console", lambda one: wrong(f"{one.text} {one.location}") if one.type == "error" else None)
        found.page.on("pageerror", lambda error: wrong(f"{error} {error.stack}"))
        found.page.on("dialog", lambda dialog: (wrong(f"dialog: {dialog.message}"), dialog.dismiss()))
        yield found
        assert found.wrong == [], found.wrong
        chromium.close()
