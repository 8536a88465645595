"""Writes a run as a page for a browser; what it needs of the logs is read here."""

from __future__ import annotations

import time
from pathlib import Path

from gatelocal.engine.excerpts import excerpts
from gatelocal.model.past import Past
from gatelocal.model.result import JOB_OUTPUT, Outcome
from gatelocal.reporter.page import page


def write(file: Path, run: Past) -> None:
    """Write it. :raises OSError: it cannot be written."""
    builds = run.result.builds if run.result is not None else ()
    places = {
        Path(one.logs).name: excerpts(run.folder / Path(one.logs).name / JOB_OUTPUT, one.failures)
        for one in builds
        if one.logs and one.outcome is not Outcome.SUCCESS
    }
    file.write_text(page(run, places, time.time()), encoding="utf-8")
