"""`gatelocal show`: what came out of a run, once more; with a job, all that its failed tests say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from gatelocal.cli.options import examples, known_run, require_folder, run_folder
from gatelocal.config.directories import directories
from gatelocal.engine.past import past
from gatelocal.errors import InputError
from gatelocal.reporter.past import as_json, one_job, whole
from gatelocal.ui import messages


@click.command(
    epilog=examples("gatelocal show", "gatelocal show last --job unit", "gatelocal show 20261130 --html run.html")
)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("-j", "--job", metavar="NAME", help="Only this job, with all that its failed tests say.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it as one page for a browser: times, tests, the log where it failed.",
)
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def show(*, run: str, job: str | None, html: Path | None, as_object: bool) -> None:
    """Say what came out of RUN: a name, the beginning of one, or last, which is also meant where nothing is said."""
    found = known_run(past(run_folder(Path(run), directories(os.environ))))
    if html is not None:
        from gatelocal.cli import page

        require_folder(html)
        page.write(html, found)
    if as_object:
        click.echo(json.dumps(as_json(found), indent=2))
        return
    lines = whole(found)
    if job is not None:
        builds = found.result.builds if found.result is not None else ()
        named = [one for one in builds if one.job == job]
        if not named:
            known = ", ".join(one.job for one in builds)
            raise InputError(messages.no_such_job(job, found.name), hint=messages.its_jobs(known))
        lines = one_job(named[0])
    for line in lines:
        click.echo(line)
