"""What several commands take alike: the configuration's options, mistyped verbs, and a run by its name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gatelocal.config.directories import Directories
from gatelocal.errors import InputError
from gatelocal.model.past import Past
from gatelocal.model.text import plain
from gatelocal.ui import messages

_Command = TypeVar("_Command", bound=Callable[..., object])


def of_configuration(command: _Command) -> _Command:
    """``--config`` and ``--tenant``."""
    tenant = click.option("--tenant", metavar="NAME", help="Which tenant of the tenant file is meant.")
    config = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The file that says where configuration and repositories come from; by default the project's own in"
        " .gatelocal/, else yours in ~/.config/gatelocal/, else what comes with gatelocal.",
    )
    return config(tenant(command))


GERRIT = click.option(
    "--gerrit",
    metavar="URL",
    help="Base URL of the web interface; by default that of the change's URL, of GATELOCAL_GERRIT or of .gitreview.",
)


class Verbs(click.Group):
    """A group that tells the nearest of its commands to whoever mistypes one, whatever click itself does."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See :class:`click.Group`."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1) if args else []
            if not near or near[0] in error.message:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}. Did you mean '{near[0]}'?", ctx) from None


class Days(click.FloatRange):
    """A number of days above 0. :param most: the greatest one."""

    name = "days"

    def __init__(self, most: float) -> None:
        super().__init__(min=0, max=most, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See :class:`click.FloatRange`, to which what is no number is in every range."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(messages.NO_NUMBER, param, ctx)
        return found


def known_run(found: Past) -> Past:
    """The same. :raises InputError: there is nothing of a run in that folder."""
    if found.result is None and not found.builds and not found.began:
        raise InputError(messages.no_run_in(str(found.folder)), hint=messages.NAME_A_RUN)
    return found


def require_folder(file: Path) -> None:
    """A file is to be written there. :raises InputError: its folder is not there; best said before anything is run."""
    if not file.absolute().parent.is_dir():
        raise InputError(messages.no_folder_for(str(file)))


def run_folder(named: Path, directories: Directories) -> Path:
    """What somebody means who names a run: a path, a run's name or the beginning of it, or ``last``.

    :raises InputError: there is no such run, or there are several.
    """
    name = str(named)
    if named.exists() or len(named.parts) > 1:
        return named
    runs = sorted(path for path in directories.runs.glob("*") if path.is_dir())
    found = runs[-1:] if name == "last" else [path for path in runs if path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if not runs:
        raise InputError(
            "there is no run yet" if name == "last" else f"there is neither a file {plain(name)} nor any run",
            details=f"runs are kept in {directories.runs}",
            hint="make one with `gatelocal run`",
        )
    several = ", ".join(path.name for path in found[-5:])
    raise InputError(
        f"{plain(name)} means {len(found)} runs: {several}"
        if found
        else f"there is neither a file nor a run {plain(name)}",
        hint=messages.NAME_A_RUN,
    )


def examples(*lines: str) -> str:
    """What stands at the end of a verb's help: command lines, each as somebody would type it."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
