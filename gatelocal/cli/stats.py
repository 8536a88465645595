"""`gatelocal stats`: how often jobs pass and flake here, what failed and why."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.options import examples, require_folder
from gatelocal.config.directories import directories
from gatelocal.engine.imports import take
from gatelocal.engine.understand import memory
from gatelocal.model.seen import Seen
from gatelocal.model.text import visible
from gatelocal.reporter.stats import as_json, page, table
from gatelocal.results.stats import stats as counted
from gatelocal.ui import messages

_DAY = 86400.0


@click.command(
    epilog=examples("gatelocal stats", "gatelocal stats --days 30 --json", "gatelocal stats --import junit/ --job unit")
)
@click.option(
    "--days", type=click.FloatRange(min=0, max=180, min_open=True), default=7, help="Of how many; 7 by default."
)
@click.option(
    "--project", metavar="NAME", default="", help="Only builds of this project; with --import, whose they are."
)
@click.option(
    "-j", "--job", metavar="NAME", default="", help="Only builds of this job; with --import, what they are of."
)
@click.option(
    "--import",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="First remember results of elsewhere: JUnit or subunit files; each folder with some is a build.",
)
@click.option("--tree", metavar="ID", default="", help="With --import: what was tested; the same for the same trees.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a page for a browser too.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def stats(*, days: float, html: Path | None, as_object: bool, **asked: Any) -> None:
    """Say how often jobs pass and flake here, with how sure that is, what failed and why."""
    if html is not None:
        require_folder(html)
    project, job, paths, tree = (asked[name] for name in ("project", "job", "paths", "tree"))
    known = memory(directories(os.environ))
    try:
        for path in paths:
            name = job or path.stem
            like = Seen("", 0.0, project, "", name, "", tree=tree)
            found = take(path, like, known)
            for note in found.notes:
                click.echo(visible(note), err=True)
            click.echo(messages.imported(found.builds, name), err=True)
        now = time.time()
        builds = [
            one
            for one in known.builds(now - 2 * days * _DAY)
            if (not project or one.project == project) and (not job or one.job == job)
        ]
    finally:
        known.close()
    told = counted(builds, now - days * _DAY, now - 2 * days * _DAY)
    if html is not None:
        html.write_text(page(told, days), encoding="utf-8")
    if as_object:
        click.echo(json.dumps({"days": days, **as_json(told)}, indent=2))
        return
    for line in table(told, days):
        click.echo(line)
