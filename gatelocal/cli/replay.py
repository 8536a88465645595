"""`gatelocal replay`: what a run was made from, made again from its recipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gatelocal.config.directories import directories
from gatelocal.engine import place as places
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.model.text import plain
from gatelocal.ui.terminal import Terminal
from git_review.errors import ReviewError

IDENTICAL, DIFFERENT = 0, 1


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--until", type=click.Choice(["workspace"]), required=True, help="How far to go.")
@click.option("-j", "--job", metavar="NAME", help="The trees of this job; by default all that the run had.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
def replay(*, recipe: Path, until: str, job: str | None, directory: Path | None) -> int:
    """Make the commits and source trees of a run again and compare them with its RECIPE.

    RECIPE is a recipe.yaml, or the folder of a run's logs. The trees go to DIRECTORY, by default `workspace` beside
    the recipe.

    Exit codes: 0 identical, 1 something differs or cannot be had any more, 2 bad input, 6 machinery.
    """
    from gatelocal.engine import recipes
    from gatelocal.engine.rebuild import Kitchen, rebuild

    terminal = Terminal(sys.stderr)
    folder = recipe if recipe.is_dir() else recipe.parent
    target = directory or folder / "workspace"
    kitchen = Kitchen(directories(os.environ), folder, target, terminal.say, _place())
    made = rebuild(recipes.read(recipe), kitchen, job)
    for project, path in made.paths.items():
        click.echo(plain(f"{project} {path}"))
    for sentence in (*made.lost, *made.different):
        click.echo(plain(sentence))
    if made.identical:
        click.echo("identical: every commit and every tree is as the recipe says")
    return IDENTICAL if made.identical else DIFFERENT


def _place() -> Place | None:
    """The server of the work tree that the person is in."""
    try:
        return places.find(GateRequest(directory=Path.cwd()), os.environ)
    except ReviewError:
        return None
