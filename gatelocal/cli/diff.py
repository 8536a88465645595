"""`gatelocal diff`: what differs between the recipes of two runs, in words."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gatelocal.cli.options import examples, run_folder
from gatelocal.config.directories import directories
from gatelocal.model.text import plain

SAME, DIFFERENT = 0, 1


@click.command(epilog=examples("gatelocal diff 20260102-030405-a1b2c3 last"))
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def diff(*, one: Path, other: Path) -> int:
    """Say what differs between two recipes: changes, commits, trees, checkouts and jobs.

    Each is a recipe.yaml, the folder of a run's logs, the name of a run, or `last`. How the runs ended does not count.

    Exit codes: 0 they are the same, 1 they differ, 2 bad input.
    """
    from gatelocal.engine import recipes
    from gatelocal.engine.difference import differences

    folders = directories(os.environ)
    found = differences(*(recipes.read(run_folder(named, folders)) for named in (one, other)))
    for sentence in found or ("nothing differs",):
        click.echo(plain(sentence))
    return DIFFERENT if found else SAME
