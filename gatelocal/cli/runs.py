"""`gatelocal runs`: the runs that there are, with what came out of them."""

from __future__ import annotations

import json
import os
import time

import click

from gatelocal.cli.options import examples
from gatelocal.config.directories import directories
from gatelocal.engine.past import names, past
from gatelocal.reporter.past import as_json, table
from gatelocal.ui import messages

_USUAL = 20


@click.command(epilog=examples("gatelocal runs", "gatelocal runs -n 100 --json"))
@click.option(
    "-n", "--number", type=click.IntRange(1), default=_USUAL, help="How many, the latest first; 20 by default."
)
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object a line on standard output.")
def runs(*, number: int, as_object: bool) -> None:
    """List past runs: age, verdict, jobs that passed, time, size on disk and change.

    Old ones are removed as GATELOCAL_RUNS says.
    """
    folder = directories(os.environ).runs
    found = [past(folder / name) for name in names(folder)[:number]]
    if as_object:
        for one in found:
            click.echo(json.dumps(as_json(one)))
        return
    for line in table(found, time.time()) if found else [messages.NO_RUN]:
        click.echo(line)
