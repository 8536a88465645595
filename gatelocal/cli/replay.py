"""`gatelocal replay`: a run once more from its recipe, or only what it was made from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.options import examples, of_configuration, run_folder
from gatelocal.cli.showing import shown
from gatelocal.config.directories import Directories, directories
from gatelocal.engine import place as places
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError
from gatelocal.model.text import plain
from gatelocal.reporter.summary import summary
from gatelocal.ui.terminal import Terminal
from git_review.errors import ReviewError

IDENTICAL, DIFFERENT = 0, 1


@click.command(
    epilog=examples(
        "gatelocal replay last --node nspawn",
        "gatelocal replay 20260102-03 --until workspace ~/trees  # the beginning of a run's name will do",
    )
)
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--until", type=click.Choice(["workspace"]), help="How far to go; by default the jobs are run again.")
@click.option("-j", "--job", metavar="NAME", help="This job alone; by default all that the run had.")
@click.option(
    "--node",
    type=click.Choice(["auto", "qemu", "nspawn", "static", "openstack", "local"]),
    default="auto",
    help="What the jobs run on, as for `gatelocal run`.",
)
@of_configuration
@click.option("-q", "--quiet", is_flag=True, help="Do not show the jobs' own output; it is in the logs.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
def replay(*, recipe: Path, until: str | None, directory: Path | None, quiet: bool, **question: Any) -> int:
    """Run the jobs of a run again, on the commits and trees of its RECIPE, or make only these and compare them.

    RECIPE is a recipe.yaml, the folder of a run's logs, the name of a run, or `last`. With `--until workspace` the
    trees go to DIRECTORY, by default `workspace` beside the recipe, and nothing is run.

    Exit codes: those of `gatelocal run`. With `--until workspace`: 0 identical, 1 something differs or cannot be had
    any more, 2 bad input, 6 machinery.
    """
    if directory is not None and until is None:
        raise InputError("DIRECTORY is for source trees alone", hint="add --until workspace")
    folders = directories(os.environ)
    named = run_folder(recipe, folders)
    if until is None:
        return _again(named, folders, quiet, question)
    return _workspace(named, folders, directory, question["job"])


def _again(named: Path, folders: Directories, quiet: bool, question: Mapping[str, Any]) -> int:
    from gatelocal.engine import recipes
    from gatelocal.engine.gate import Gate

    terminal = Terminal(sys.stderr)
    job, node, config, tenant = (question[key] for key in ("job", "node", "config", "tenant"))
    request = GateRequest(jobs=(job,) if job else (), node=node, directory=Path.cwd(), config=config, tenant=tenant)
    with shown(terminal, quiet=quiet, events=False) as watch:
        gate = Gate(folders, os.environ, watch)
        result = gate.again(recipes.read(named), named if named.is_dir() else named.parent, request)
    for line in ["", *summary(result)]:
        click.echo(line)
    return result.verdict.exit_code


def _workspace(named: Path, folders: Directories, directory: Path | None, job: str | None) -> int:
    from gatelocal.engine import recipes
    from gatelocal.engine.mend import mending
    from gatelocal.engine.rebuild import Kitchen, rebuild

    terminal = Terminal(sys.stderr)
    folder = named if named.is_dir() else named.parent
    target = directory or folder / "workspace"
    kitchen = Kitchen(folders, folder, target, terminal.say, _place())
    written = recipes.read(named)
    made = mending(terminal.say, lambda: rebuild(written, kitchen, job))
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
