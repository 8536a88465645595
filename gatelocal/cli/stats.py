"""`gatelocal stats`: how often jobs pass and flake here, what failed and why."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.options import Days, examples, require_folder
from gatelocal.config.directories import directories
from gatelocal.engine import zuul_builds
from gatelocal.engine.imports import Imported, take
from gatelocal.engine.understand import memory
from gatelocal.model.seen import Seen
from gatelocal.model.text import visible
from gatelocal.reporter.stats import as_json, page, table
from gatelocal.results.stats import stats as counted
from gatelocal.ui import messages
from git_review.git.runner import without_password

_DAY = 86400.0
_URL = ("http://", "https://")


class _Source(click.Path):
    """A path, or the address of a Zuul."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith(_URL):
            return value
        return super().convert(value, param, ctx)


@click.command(
    epilog=examples(
        "gatelocal stats",
        "gatelocal stats --days 30 --json",
        "gatelocal stats --import junit/ --job unit",
        "gatelocal stats --import https://zuul.example.org/t/acme --project acme/app",
    )
)
@click.option("--days", type=Days(180), default=7, help="Of how many; 7 by default.")
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
    type=_Source(path_type=Path, exists=True),
    metavar="PATH|URL",
    help="First remember results of elsewhere: JUnit or subunit files, each folder with some as a build; or a Zuul's.",
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
        now = time.time()
        for path in paths:
            if isinstance(path, str):
                _tell(
                    zuul_builds.take(path, zuul_builds.Asked(project, job, now - 2 * days * _DAY), known),
                    without_password(path),
                )
            else:
                name = job or path.stem
                _tell(take(path, Seen("", 0.0, project, "", name, "", tree=tree), known), name)
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


def _tell(found: Imported, name: str) -> None:
    for note in found.notes:
        click.echo(visible(note), err=True)
    click.echo(messages.imported(found.builds, name), err=True)
